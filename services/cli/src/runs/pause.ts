import { unary } from '@trikd/transport/grpc/clients';
import type { Verb } from '../server/steering.js';
import { standing } from './standing.js';

/** `trikd runs pause` */
export const pause: Verb = {
  name: 'pause',
  summary: 'Brings a run to rest at a committed pair, until it is resumed.',
  example: '  $ trikd runs pause tiny',
  ask: async ({ client, how }, { runId, requestId }) =>
    (await unary(client.pauseRun.bind(client), { runId, requestId }, how)).run,
  said: standing,
};
