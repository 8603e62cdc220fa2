/**
 * Takes the pictures of docs/dashboard.md from a run that is trained for them.
 *
 * usage: node --no-warnings --import ./test/simulation/sources.ts test/browser/screenshots.ts [FOLDER]      (after make build)
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { eventsIn } from '@trikd/events/event';
import { renderReport } from '@trikd/events/report';
import { foldAll } from '@trikd/events/run-history';
import type { Browser, Page } from 'playwright-core';
import { launch, startTestServices } from './dashboard.js';

const folder = resolve(process.argv[2] ?? 'docs/images');

const role = (channels: string, anchor: number, peer: number) => `
  model: { kind: plain-cnn, channels: ${channels} }
  objective:
    - { kind: task }
    - { kind: distillation, from: anchor, weight: ${anchor} }
    - { kind: distillation, from: peer, weight: ${peer} }`;

/** Learning rates of the runs that are compared, in thousandths. */
const RATES = [25, 50, 100, 225];

const spec = (name: string, more: string, rate = 0.05) => `name: ${name}
data: { kind: synthetic, noise: 64 }
batchSize: 32
epochs: 20
warmupSteps: 20
augment: { crop: 1 }
student:${role('[4, 4]', 1, 1)}
  learningRate: ${rate}
teacher:${role('[8, 8]', 0.1, 0.1)}
  learningRate: ${rate}
engine: { threads: 1 }
${more}`;

const LOOKS = [
  { name: 'light', colorScheme: 'light', viewport: { width: 1240, height: 900 } },
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1240, height: 900 } },
  { name: 'phone', colorScheme: 'light', viewport: { width: 390, height: 844 } },
] as const;

async function start(page: Page, url: string, text: string): Promise<void> {
  await page.goto(url);
  const form = page.getByText('Start a run', { exact: true });
  const field = page.getByLabel('Spec, in YAML or JSON');
  await form.waitFor();
  if (!(await field.isVisible())) await form.click();
  await field.fill(text);
  await page.getByRole('button', { name: 'Start the run' }).click();
  await page.locator('h1', { hasNotText: 'Runs' }).waitFor();
}

/** A picture of a page in each look, the whole of it or what a window shows. */
async function shoot(
  browser: Browser,
  name: string,
  url: string,
  ready: (page: Page) => Promise<unknown>,
  fullPage = true,
): Promise<void> {
  for (const { name: look, ...options } of LOOKS) {
    const context = await browser.newContext({ ...options, reducedMotion: 'reduce' });
    const page = await context.newPage();
    await page.goto(url);
    await ready(page);
    await refuseOverflow(page);
    await page.screenshot({ path: join(folder, `${name}-${look}.png`), fullPage });
    await context.close();
  }
}

/** Fills in a spec with two mistakes, and sends it. */
async function sendMistakes(page: Page): Promise<void> {
  await page.getByText('Start a run', { exact: true }).click();
  await page
    .getByLabel('Spec, in YAML or JSON')
    .fill(spec('mole', '').replace('epochs: 20', 'epochs: many\nrounds: 3'));
  await page.getByRole('button', { name: 'Start the run' }).click();
  await page.getByRole('alert').waitFor();
}

/** Opens a run, waits until it has completed, and tags it. */
async function completed(page: Page, ...tags: readonly string[]): Promise<void> {
  await page.locator('.head .phase.completed').waitFor({ timeout: 300_000 });
  await page.getByLabel('Tags to add').fill(tags.join(' '));
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('button', { name: `Remove the tag ${tags.at(-1)}` }).waitFor();
}

async function askToRollBack(page: Page): Promise<void> {
  await page.locator('.chart canvas').first().waitFor();
  await page.getByRole('button', { name: 'Roll back' }).first().click();
  await page.getByRole('dialog').waitFor();
}

/** A page that is wider than its window is a mistake: names what sticks out. */
async function refuseOverflow(page: Page): Promise<void> {
  const wide = await page.evaluate(`[...document.querySelectorAll('body *')]
    .filter((each) => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest('.scroll, .visually-hidden'))
    .map((each) => each.tagName + '.' + each.getAttribute('class'))`);
  const pageWidth = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
  if (Number(pageWidth) > 0) throw new Error(`${page.url()} is too wide by ${pageWidth}: ${wide}`);
}

mkdirSync(folder, { recursive: true });
const services = await startTestServices();
const browser = await launch();
try {
  const page = await browser.newPage();
  await start(page, services.url, spec('breakwater', 'curriculum: { generations: 4 }'));
  await completed(page, 'baseline', 'paper');
  for (const rate of RATES) {
    await start(page, services.url, spec(`lr-${rate}`, 'curriculum: { generations: 2 }', rate / 1000));
    await completed(page, 'sweep');
  }
  await start(page, services.url, spec('lighthouse', 'curriculum: { generations: 4, advance: manual }'));
  const begin = page.getByRole('button', { name: 'Start the generation' });
  for (const stage of [1, 2]) {
    await page.locator(`.stage[data-stage="${stage}"]`).waitFor({ timeout: 300_000 });
    await begin.click();
    await page.getByRole('dialog').getByRole('button', { name: 'Start the generation' }).click();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
  }
  await page.locator('.stage[data-stage="3"]').waitFor({ timeout: 300_000 });
  const curves = (at: Page) => at.locator('.chart canvas').first().waitFor();
  await shoot(browser, 'runs', services.url, (at) => at.getByText('Start a run').waitFor(), false);
  await shoot(browser, 'start', services.url, sendMistakes);
  const compared = RATES.map((rate) => `run=lr-${rate}`).join('&');
  await shoot(browser, 'compare', `${services.url}/#/compare?${compared}`, (at) =>
    at
      .locator('.lineages section')
      .nth(RATES.length - 1)
      .waitFor(),
  );
  await shoot(browser, 'run', `${services.url}/#/runs/breakwater`, curves);
  await shoot(browser, 'steer', `${services.url}/#/runs/lighthouse`, askToRollBack, false);
  const events = readFileSync(join(services.events, 'breakwater', 'events.jsonl'), 'utf8');
  const report = join(services.events, 'report.html');
  writeFileSync(
    report,
    renderReport(readFileSync('services/dashboard/dist/report.html', 'utf8'), foldAll(eventsIn(events))),
  );
  await shoot(browser, 'report', pathToFileURL(report).href, curves, false);
} finally {
  await browser.close();
  await services.stop();
}
