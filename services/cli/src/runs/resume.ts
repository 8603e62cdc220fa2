import { unary } from '@trikd/transport/grpc/clients';
import type { Verb } from '../server/steering.js';
import { standing } from './standing.js';

/** `trikd runs resume` */
export const resume: Verb = {
  name: 'resume',
  summary: 'Goes on with a paused run, or with one that failed of what may have passed.',
  example: '  $ trikd runs resume tiny',
  ask: async ({ client, how }, { runId, requestId }) =>
    (await unary(client.resumeRun.bind(client), { runId, requestId }, how)).run,
  said: standing,
};
