import { Role } from '@trikd/protocol/gen/node/trikd/v1/common';
import { RunPhase, WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { expect, test } from 'vitest';
import { trainingIn } from './server-runs.js';

const entered = (second: number, phase: RunPhase, stage = 0, processor = '') =>
  WatchRunResponse.fromPartial({
    time: new Date(1000 * second),
    event: {
      $case: 'phaseChanged',
      value: {
        ...{ phase, stage },
        numerics: processor === '' ? [] : [{ role: Role.ROLE_STUDENT, numerics: { tensorflow: '2.18', processor } }],
      },
    },
  });

async function* streamed(events: readonly WatchRunResponse[]) {
  yield* events;
}

test('training lasts while a run has a trio, and is not paused', async () => {
  const events = [
    entered(0, RunPhase.RUN_PHASE_QUEUED),
    entered(100, RunPhase.RUN_PHASE_PREPARING),
    entered(101, RunPhase.RUN_PHASE_TRAINING, 0, 'one'),
    entered(110, RunPhase.RUN_PHASE_PAUSED),
    entered(500, RunPhase.RUN_PHASE_QUEUED),
    entered(600, RunPhase.RUN_PHASE_PREPARING),
    entered(601, RunPhase.RUN_PHASE_TRAINING, 0, 'another'),
    entered(605, RunPhase.RUN_PHASE_PROMOTING),
    entered(606, RunPhase.RUN_PHASE_TRAINING, 1, 'a third'),
    entered(608, RunPhase.RUN_PHASE_COMPLETED, 1),
  ];
  expect(await trainingIn(streamed(events), { stage: 0, role: 'student' })).toEqual({
    ...{ seconds: 18, numerics: 'TensorFlow 2.18, another' },
  });
});

test('a process that reported nothing is said to have done so', async () => {
  expect(await trainingIn(streamed([]), { stage: 0, role: 'student' })).toEqual({
    ...{ seconds: 0, numerics: 'not reported' },
  });
});
