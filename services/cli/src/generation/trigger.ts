import { unary } from '@trikd/transport/grpc/clients';
import { standing } from '../runs/standing.js';
import type { Verb } from '../server/steering.js';

/** `trikd generation trigger` */
export const trigger: Verb = {
  name: 'trigger',
  summary: 'Begins the generation that a waiting run waits with.',
  example:
    '  $ trikd generation trigger tiny\n\nRuns with `advance: manual` in their spec wait before each generation but the first.',
  ask: async ({ client, how }, { runId, requestId }) =>
    (await unary(client.triggerGeneration.bind(client), { runId, requestId }, how)).run,
  said: standing,
};
