import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { aborted } from '@trikd/core/async/aborted';
import { credentialsFor, userIn } from '../certs/tls-settings.js';
import { assertFree } from '../free-address.js';
import { placeInStore } from '../run-store.js';
import { print, type Shell, say } from '../shell.js';
import { stackJson, stackText } from './announcement.js';
import type { UpOptions } from './command.js';
import { stackFolder, takeStackFolder } from './folder.js';
import { startStack } from './stack.js';

/** `trikd up`: ends after Ctrl-C. @throws TrikdError for everything that a user can correct */
export async function up(options: UpOptions, shell: Shell): Promise<void> {
  const { rest } = shell;
  const folder = stackFolder(options.store, options.config, shell.env);
  await assertFree(options.listen);
  const lock = await takeStackFolder(folder);
  try {
    const { store, logs, events } = folder;
    const stack = await startStack({ ...options, store, logs, events }, shell, (line) => say(shell, line));
    const { trios, orchestrators, dashboard } = stack;
    const facts = { trios, orchestrators, dashboard, store: placeInStore(store), logs, ...credentialsIn(options.tls) };
    print(shell, options.output === 'json' ? stackJson(facts) : stackText(facts, availableParallelism()));
    await aborted(rest);
    say(shell, 'pausing all runs at their next common step; Ctrl-C again stops at once');
    await stack.stop();
  } finally {
    lock.release();
  }
}

function credentialsIn(tls: string | undefined): { readonly credentials?: string } {
  return tls === undefined ? {} : { credentials: credentialsFor(tls, userIn(tls) ?? join('users', 'NAME')) };
}
