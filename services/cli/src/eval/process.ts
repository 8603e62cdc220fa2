import { TrikdError } from '@trikd/core/domain/errors';
import { environment } from '@trikd/process/environment';
import type { EvalOptions } from './command.js';
import { evaluateRun } from './evaluate.js';
import type { EvalMessage } from './run-evaluation.js';

/** The process of an evaluation: its first message has the options. It ends when the command does. */
process.once('disconnect', () => process.exit());
process.once('message', (options: EvalOptions) => {
  const send = (message: EvalMessage) => process.send?.(message);
  evaluateRun(options, environment(), (what, done, all) => send({ event: 'progress', what, done, all }))
    .then((text) => send({ event: 'result', text }))
    .catch((error: unknown) => {
      if (!(error instanceof TrikdError)) throw error;
      send({ event: 'error', kind: error.kind, message: error.message });
    })
    .finally(() => process.connected && process.disconnect());
});
