import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { aborted } from '@trikd/core/async/within';
import { TrikdError } from '@trikd/core/domain/errors';
import { isLoopback } from '@trikd/process/address';
import { startService } from '@trikd/process/service-process';
import { openStoredRuns } from '../../run/run-places.js';
import { storeSettings } from '../../run/run-store.js';
import { assertFree } from '../../run/services.js';
import { print, type Shell, say } from '../../terminal/shell.js';
import type { DashboardOptions } from './command.js';

/** The viewer, part of the build of the orchestrator. */
const VIEWER = fileURLToPath(new URL('../../../../orchestrator/dist/view/main.js', import.meta.url));

/** `trikd dashboard`: ends after Ctrl-C. @throws TrikdError for everything that a user can correct */
export async function showDashboard({ from, listen, open }: DashboardOptions, shell: Shell): Promise<void> {
  const { env, rest, end } = shell;
  if (!isLoopback(listen)) {
    throw new TrikdError(
      'invalid',
      `cannot listen on ${listen}: the page is for this machine alone, such as 127.0.0.1:8080`,
    );
  }
  await assertFree(listen);
  const { config, name, names } = await openStoredRuns(from, env);
  const count = (await names()).length;
  const logs = await mkdtemp(join(tmpdir(), 'trikd-dashboard-'));
  try {
    const settings = { ...storeSettings(config), 'http.listen': listen };
    const started = startService('orchestrator', { logs, settings, env: withoutSettings(env), entry: VIEWER });
    end.addEventListener('abort', started.kill, { once: true });
    const { url = '', ended, terminate } = await started.ready;
    print(shell, `dashboard    ${url}\nstore        ${name}, ${count} ${count === 1 ? 'run' : 'runs'}`);
    if (open) openInBrowser(url, () => say(shell, `found no program that opens a browser: open ${url} yourself`));
    const failure = await Promise.race([ended, aborted(rest).then(() => undefined)]);
    if (failure !== undefined) throw new TrikdError('unavailable', failure);
    terminate();
    await ended;
  } finally {
    await rm(logs, { recursive: true, force: true });
  }
}

/** The environment without settings of services that other services have. */
function withoutSettings(env: Shell['env']): Shell['env'] {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TRIKD_')));
}

/** The program that opens a URL, by platform. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, string>>> = { darwin: 'open', linux: 'xdg-open' };

/** Opens a page in the browser of this user. @param failed called when no program does that here */
function openInBrowser(url: string, failed: () => void): void {
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
