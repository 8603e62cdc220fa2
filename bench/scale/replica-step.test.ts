import { expect, test } from 'vitest';
import { type ReplicaCosts, replicaStepTime, simulatedReplicaStep } from './replica-step.js';

const costs: ReplicaCosts = {
  replicas: 1,
  ...{ forward: 3000, backward: 6000, update: 20 },
  ...{ logitBytes: 51_200, shareBytes: 1_100_000, perByte: 8e-6, latency: 0.2 },
};

test.each([1, 2, 8, 64])('the formula says what the session of %i replicas takes', async (replicas) => {
  const each = { ...costs, replicas };
  const simulated = await simulatedReplicaStep(each);
  expect(Math.abs(replicaStepTime(each) / simulated - 1)).toBeLessThan(0.01);
});

test('with so many replicas that the first one only receives and sends, too', async () => {
  const each = { ...costs, replicas: 200 };
  expect(replicaStepTime(each)).toBeGreaterThan(replicaStepTime({ ...each, replicas: 20 }));
  expect(Math.abs(replicaStepTime(each) / (await simulatedReplicaStep(each)) - 1)).toBeLessThan(0.01);
});
