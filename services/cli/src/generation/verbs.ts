import { unary } from '@trikd/transport/grpc/clients';
import { runDescription } from '../runs/verbs.js';
import type { Verb } from '../server/steering.js';

const trigger: Verb = {
  name: 'trigger',
  summary: 'Starts the next generation of a run that is waiting.',
  example:
    '  $ trikd generation trigger tiny\n\nRuns with `advance: manual` in their spec wait before each generation except the first.',
  request: async ({ client, how }, { runId, requestId }) =>
    (await unary(client.triggerGeneration.bind(client), { runId, requestId }, how)).run,
  describe: runDescription,
};

const promote: Verb = {
  name: 'promote',
  summary: 'Makes the student of a generation the anchor although the rule did not promote it.',
  example: '  $ trikd generation promote tiny 1\n\nA generation in training starts again with the new anchor.',
  namesGeneration: true,
  request: async ({ client, how }, change) => (await unary(client.promoteGeneration.bind(client), change, how)).run,
  describe: runDescription,
};

const rollback: Verb = {
  name: 'rollback',
  summary: 'Makes the student of an earlier, promoted generation the anchor again.',
  example: '  $ trikd generation rollback tiny 0\n\nA generation in training starts again with the earlier anchor.',
  namesGeneration: true,
  request: async ({ client, how }, change) => (await unary(client.rollbackAnchor.bind(client), change, how)).run,
  describe: runDescription,
};

/** The verbs of `trikd generation`, in the order of its help. */
export const generationVerbs: readonly Verb[] = [trigger, promote, rollback];
