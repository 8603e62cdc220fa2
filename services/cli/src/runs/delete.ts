import { unary } from '@trikd/transport/grpc/clients';
import type { Verb } from '../server/steering.js';

/** `trikd runs delete`; `delete` alone is a word of the language. */
export const deleteRun: Verb = {
  name: 'delete',
  summary: 'Removes a run that has ended, with everything it has stored.',
  example: '  $ trikd runs delete tiny\n  $ trikd runs delete tiny --yes',
  question: (runId) => `remove run ${runId} with all its checkpoints and results for good?`,
  ask: async ({ client, how }, { runId, requestId }) => {
    await unary(client.deleteRun.bind(client), { runId, requestId }, how);
    return undefined;
  },
  said: (runId) => `run ${runId} is gone; what it has stored is removed from now on`,
};
