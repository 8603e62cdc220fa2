import { unary } from '@trikd/transport/grpc/clients';
import { standing } from '../runs/standing.js';
import type { Verb } from '../server/steering.js';

/** `trikd generation rollback` */
export const rollback: Verb = {
  name: 'rollback',
  summary: 'Makes the student of an earlier, promoted generation the anchor again.',
  example: '  $ trikd generation rollback tiny 0\n\nA generation in training begins anew beside the earlier anchor.',
  namesGeneration: true,
  ask: async ({ client, how }, change) => (await unary(client.rollbackAnchor.bind(client), change, how)).run,
  said: standing,
};
