import { unary } from '@trikd/transport/grpc/clients';
import type { Verb } from '../server/steering.js';
import { standing } from './standing.js';

/** `trikd runs cancel` */
export const cancel: Verb = {
  name: 'cancel',
  summary: 'Brings a run to rest and ends it for good; what it has learned stays.',
  example: '  $ trikd runs cancel tiny',
  ask: async ({ client, how }, { runId, requestId }) =>
    (await unary(client.cancelRun.bind(client), { runId, requestId }, how)).run,
  said: standing,
};
