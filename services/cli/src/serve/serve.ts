import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { aborted } from '@trikd/core/async/aborted';
import { within } from '@trikd/core/async/within';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ServiceProcess } from '@trikd/process/service-process';
import { systemClock } from '@trikd/process/system-clock';
import { tlsSettingsIn } from '../certs/tls-settings.js';
import { openRun } from '../checkpoint/open-run.js';
import { assertFree } from '../free-address.js';
import { withProgress } from '../progress.js';
import { chosenRunFolder } from '../run-folder.js';
import { configuredStore } from '../run-store.js';
import { startsWith } from '../services.js';
import { print, type Shell, say } from '../shell.js';
import { servedText } from './announcement.js';
import type { ServeOptions } from './command.js';
import { type ServedModel, whenServed } from './when-served.js';

/** Seconds in which requests that wait are answered after Ctrl-C. */
const DRAIN_SECONDS = 10;

/** `trikd serve`: ends after Ctrl-C. @throws TrikdError for everything that a user can correct */
export async function serve(options: ServeOptions, shell: Shell): Promise<void> {
  const { runId, from, listen, http, tls } = options;
  const { rest, env } = shell;
  // The run may have another store than the environment says, and it must exist.
  await openRun(runId, from, env);
  for (const address of [listen, http]) await assertFree(address);
  const folder = chosenRunFolder(from.store, runId, env);
  const store = from.config === undefined ? folder.store : configuredStore(from.config, env);
  const logs = from.config === undefined ? folder.logs : mkdtempSync(join(tmpdir(), `trikd-serve-${runId}-`));
  const service = startsWith(store, env)('anchor-server', {
    logs,
    settings: {
      ...tlsSettingsIn(tls, 'anchor-server'),
      'serving.runs': [runId],
      'serving.alone': true,
      'serving.listen': listen,
      'serving.http': http,
      dataPaths: 'allowed',
    },
  });
  rest.addEventListener('abort', () => service.child.kill('SIGTERM'), { once: true });
  shell.end.addEventListener('abort', service.kill, { once: true });
  const process = await service.ready;
  const ended = process.ended.then((how) => {
    if (!rest.aborted) throw new TrikdError('unavailable', how);
  });
  ended.catch(() => undefined);
  const model = await withProgress(shell, (report) =>
    Promise.race([whenServed(process.url!, runId, { clock: systemClock, signal: rest, report }), ended]),
  );
  if (model) print(shell, servedText(announced(process, model, logs)));
  await Promise.race([aborted(rest), ended]);
  say(shell, 'answering the requests that wait; Ctrl-C again stops at once');
  await within(process.ended, DRAIN_SECONDS, systemClock);
  process.kill();
}

const announced = ({ address, url }: ServiceProcess, model: ServedModel, logs: string) => ({
  ...{ address, url: url!, model, logs },
});
