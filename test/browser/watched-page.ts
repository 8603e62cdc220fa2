import type { BrowserContext, Page } from 'playwright-core';

/** A page, and everything that went wrong in it. */
export interface WatchedPage {
  readonly page: Page;
  /** What it wrote to its console as an error, and uncaught errors; taken away by reading. */
  readonly complaints: () => readonly string[];
  /** Where it asked for something; all of it, always. */
  readonly asked: readonly string[];
}

export async function openWatched(context: BrowserContext): Promise<WatchedPage> {
  const page = await context.newPage();
  const heard: string[] = [];
  const asked: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') heard.push(message.text());
  });
  page.on('pageerror', (error) => heard.push(String(error)));
  page.on('request', (request) => asked.push(request.url()));
  return { page, asked, complaints: () => heard.splice(0) };
}

/** What axe finds that is serious or worse, each as the rule and the elements. */
export async function seriousFaults(page: Page, axe: string): Promise<readonly string[]> {
  // Its own world: the page allows no scripts but its own.
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send('Page.getFrameTree');
  const { executionContextId: contextId } = await session.send('Page.createIsolatedWorld', {
    frameId: frameTree.frame.id,
  });
  await session.send('Runtime.evaluate', { expression: axe, contextId });
  const { result } = await session.send('Runtime.evaluate', {
    expression: `axe.run(document).then(({ violations }) => violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => id + ': ' + nodes.map(({ target }) => target.join(' ')).join(', ')))`,
    contextId,
    awaitPromise: true,
    returnByValue: true,
  });
  await session.detach();
  return result.value;
}
