import { unary } from '@trikd/transport/grpc/clients';
import { standing } from '../runs/standing.js';
import type { Verb } from '../server/steering.js';

/** `trikd generation promote` */
export const promote: Verb = {
  name: 'promote',
  summary: 'Makes the student of a generation the anchor that the rule has not promoted.',
  example: '  $ trikd generation promote tiny 1\n\nA generation in training begins anew beside the new anchor.',
  namesGeneration: true,
  ask: async ({ client, how }, change) => (await unary(client.promoteGeneration.bind(client), change, how)).run,
  said: standing,
};
