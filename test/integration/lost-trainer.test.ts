import { ConditionStatus, type Run, RunPhase, type WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { runAfter } from '@trikd/testing/runs/run-after';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { afterEach, expect, test } from 'vitest';
import { cleanUp, gateAt, serve, specOf, trio } from './orchestrator-rig.js';

afterEach(cleanUp);

test('a trainer whose process is killed is a stall at once, and the run has no rate', async () => {
  const store = memoryStore();
  const held = gateAt(0, 5);
  const models = await trio(store, held);
  const { create, get, client } = await serve(store, models);
  await create(specOf());
  await held.reached;
  while ((await get('trial'))?.progress?.stepsPerSecond !== 10);
  let killed = false;
  let stalled: Run | undefined;
  const events: NonNullable<WatchRunResponse['event']>[] = [];
  const messages = client.watchRun({ runId: 'trial', fromEvent: 0, pastOnly: false });
  messages.on('error', () => undefined);
  for await (const { event } of messages) {
    if (event) events.push(event);
    if (!killed) models.student.close();
    killed = true;
    if (event?.$case !== 'stallsChanged' || event.value.stalls.length === 0) continue;
    stalled = runAfter(events);
    break;
  }
  messages.cancel();
  expect(stalled).toMatchObject({
    phase: RunPhase.RUN_PHASE_TRAINING,
    attempt: 1,
    stalls: [{ by: 'orchestrator', on: 'student', reason: expect.stringMatching(/^the student cannot be reached: /) }],
    progress: { stepsPerSecond: 0, secondsRemaining: undefined },
  });
  expect(stalled?.progress?.roles.map(({ progress }) => progress?.stepsPerSecond)).toEqual([0, 0]);
  expect(stalled?.conditions.find(({ type }) => type === 'Stalled')).toMatchObject({
    status: ConditionStatus.CONDITION_STATUS_TRUE,
    reason: 'StudentAway',
  });
});
