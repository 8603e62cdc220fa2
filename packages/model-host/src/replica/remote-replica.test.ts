import { learnerOf } from '@trikd/core/stages/stage';
import { stageAt } from '@trikd/core/stages/stages-of';
import { systemClock } from '@trikd/process/system-clock';
import { datasetFor, specFor } from '@trikd/testing/specs/spec-for';
import type { ReplicaStream } from '@trikd/transport/grpc/replica-client';
import { expect, test } from 'vitest';
import { remoteReplicas } from './remote-replica.js';

test('an abandoned attempt does not wait for a replica to be reached, and closes one that is reached later', async () => {
  const spec = specFor('tiny, student alone', { student: { replicas: 2 } });
  const stage = stageAt(spec, 0, false);
  const connecting = Promise.withResolvers<ReplicaStream>();
  const closed = Promise.withResolvers<void>();
  const open = remoteReplicas({ addresses: ['away:1'], connect: () => connecting.promise, clock: systemClock });
  const attempt = new AbortController();
  const model = { spec, dataset: datasetFor(spec), stage, learner: learnerOf(stage, 'student'), state: undefined };
  const opening = open({ ...model, signal: attempt.signal }, 1, 0);
  attempt.abort(new Error('abandoned'));
  await expect(opening).rejects.toThrow('abandoned');
  connecting.resolve({ ask: () => Promise.reject(new Error('asked')), close: () => closed.resolve() });
  await closed.promise;
});
