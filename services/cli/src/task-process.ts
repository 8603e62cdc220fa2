import { type ErrorKind, TrikdError } from '@trikd/core/domain/errors';
import { environment } from '@trikd/process/environment';
import type { Shell } from './shell.js';

/** Receives the progress of a task, in examples. */
export type TaskProgress = (what: string, done: number, all: number) => void;

/** What the process of a task sends. */
export type TaskMessage =
  | { readonly event: 'progress'; readonly what: string; readonly done: number; readonly all: number }
  | { readonly event: 'result'; readonly text: string }
  | { readonly event: 'error'; readonly kind: ErrorKind; readonly message: string };

/** Serves one task of `runTask`: the first message has its options. The process ends when the command does. */
export function serveTask<Options>(
  work: (options: Options, env: Shell['env'], progress: TaskProgress) => Promise<string>,
): void {
  process.once('disconnect', () => process.exit());
  process.once('message', (options: Options) => {
    const send = (message: TaskMessage) => process.send?.(message);
    work(options, environment(), (what, done, all) => send({ event: 'progress', what, done, all }))
      .then((text) => send({ event: 'result', text }))
      .catch((error: unknown) => {
        if (!(error instanceof TrikdError)) throw error;
        send({ event: 'error', kind: error.kind, message: error.message });
      })
      .finally(() => process.connected && process.disconnect());
  });
}
