import { spawn } from 'node:child_process';

/** The program that opens a URL, by platform. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, string>>> = { darwin: 'open', linux: 'xdg-open' };

/** Opens a page in the browser of this user. @param failed called when no program does that here */
export function openInBrowser(url: string, failed: () => void): void {
  const opener = OPENERS[process.platform];
  if (opener === undefined) {
    failed();
    return;
  }
  const child = spawn(opener, [url], { detached: true, stdio: 'ignore' });
  child.once('error', failed);
  child.once('exit', (status) => {
    if (status !== 0) failed();
  });
  child.unref();
}
