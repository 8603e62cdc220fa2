import { RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import { createClient } from '@trikd/transport/grpc/channel';
import { type Attack, answered, newTally } from './attack.ts';
import { paced } from './pace.ts';

const CLIENTS = 4;
const BYTES = 2 * 1024 * 1024;
const CALLS_PER_SECOND = 50;

/** Sends requests that are twice as large as any may be. */
export const largeMessages: Attack = async ({ orchestrator }, signal) => {
  const tally = newTally();
  const clients = Array.from({ length: CLIENTS }, () =>
    createClient(RunServiceClient, orchestrator, { 'grpc.use_local_subchannel_pool': 1 }),
  );
  const spec = 'x'.repeat(BYTES);
  const request = { spec, requestId: '', takeOver: false, team: '', placement: undefined };
  await paced(CALLS_PER_SECOND, signal, (index) => {
    tally.attempts += 1;
    clients[index % CLIENTS]?.createRun(request, (error) => answered(tally, error?.details ?? 'an answer'));
  });
  for (const client of clients) client.close();
  return tally;
};
