import { RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import { createClient } from '@trikd/transport/grpc/channel';
import { type Attack, answered, newTally } from './attack.ts';
import { paced } from './pace.ts';

const CALLS_PER_SECOND = 100;

/** Triggers the next generation of a run that is in one. */
export const triggers: Attack = async ({ orchestrator, runId }, signal) => {
  const tally = newTally();
  const client = createClient(RunServiceClient, orchestrator, {});
  await paced(CALLS_PER_SECOND, signal, (index) => {
    tally.attempts += 1;
    client.triggerGeneration({ runId, requestId: `trigger ${index}` }, (error) =>
      answered(tally, error?.details ?? 'a generation was triggered'),
    );
  });
  client.close();
  return tally;
};
