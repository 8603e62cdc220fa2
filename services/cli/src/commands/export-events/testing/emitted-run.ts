import { Role } from '@trikd/protocol/gen/node/trikd/v1/common';
import { type DeepPartial, RunPhase, WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { StepPhaseKind } from '@trikd/protocol/gen/node/trikd/v1/timing';

const event = (second: number, number: number, emitted: DeepPartial<WatchRunResponse>['event']) =>
  WatchRunResponse.fromPartial({ event: emitted, number, time: new Date(Date.UTC(2026, 0, 1, 0, 0, second)) });

const score = (accuracy: number) => ({ metrics: { accuracy, nll: 0.25 }, examples: 64 });
const progress = (participant: string, nextStep: number, loss: number) => ({
  $case: 'progress' as const,
  value: {
    ...{ participant, stage: 1, totalSteps: 16 },
    progress: {
      nextStep,
      terms: [
        { part: 'task', value: loss },
        { part: participant === 'student' ? 'teacher' : 'student', value: 0.125 },
      ],
      stepsPerSecond: 12.5,
      waits: [{ participant: 'anchor', share: 0.0625 }],
      batchMetrics: { accuracy: 0.75 },
      gradientNorm: 1.5,
      learningRate: 0.1,
    },
  },
});

/** A slow step of both trainers; the student waited for the teacher. */
export const slowStep = (step: number, durationMs: number) => ({
  $case: 'slowStep' as const,
  value: {
    ...{ stage: 1, attempt: 1, step, durationMs, usualMs: 10, traceId: 'ab'.repeat(16) },
    roles: [
      {
        ...{ role: Role.ROLE_TEACHER, step, startedMs: 1000.5, durationMs },
        phases: [
          { kind: StepPhaseKind.STEP_PHASE_KIND_FORWARD, offsetMs: 0, durationMs: durationMs - 5 },
          { kind: StepPhaseKind.STEP_PHASE_KIND_BACKWARD, offsetMs: durationMs - 5, durationMs: 5 },
        ],
      },
      {
        ...{ role: Role.ROLE_STUDENT, step, startedMs: 1000, durationMs: durationMs - 2 },
        phases: [
          { kind: StepPhaseKind.STEP_PHASE_KIND_DATA, offsetMs: 1, durationMs: 3 },
          {
            ...{ kind: StepPhaseKind.STEP_PHASE_KIND_WAIT, peer: Role.ROLE_TEACHER },
            ...{ offsetMs: 2, durationMs: durationMs - 6 },
          },
        ],
      },
    ],
  },
});

/** Events of a stage in which an attempt was lost: step 3 is trained twice. */
export const emittedRun: readonly WatchRunResponse[] = [
  event(0, 0, { $case: 'run', value: { runId: 'r', phase: RunPhase.RUN_PHASE_TRAINING, stage: 1 } }),
  event(1, 4, progress('student', 2, 1.5)),
  event(1, 5, progress('teacher', 3, 1.25)),
  event(2, 6, progress('student', 4, 1.125)),
  event(3, 7, {
    $case: 'evaluation',
    value: { participant: 'student', stage: 1, evaluation: { step: 4, validation: score(0.5) } },
  }),
  event(4, 8, progress('student', 4, 1.125)),
  event(5, 9, slowStep(5, 40)),
  event(5, 10, slowStep(7, 90)),
  event(6, 11, {
    $case: 'stepTimes',
    value: {
      ...{ stage: 1, attempt: 1, firstStep: 0, steps: 6, verdict: 'the teacher bounds the speed' },
      roles: [
        {
          ...{ role: Role.ROLE_ANCHOR, step: { p50: 2, p95: 3, max: 4, mean: 2.5 } },
          between: { p50: 0.5, p95: 0.5, max: 0.5, mean: 0.5 },
          phases: [{ kind: StepPhaseKind.STEP_PHASE_KIND_FORWARD, times: { p50: 1.5, p95: 2, max: 2, mean: 1.5 } }],
        },
      ],
    },
  }),
  event(7, 12, {
    $case: 'stageEnded',
    value: {
      result: {
        ...{ stage: 1, promoted: true, steps: 16 },
        learners: [
          { participant: 'student', best: { step: 12, validation: score(0.5), test: score(0.625) } },
          { participant: 'teacher', best: { step: 16, validation: score(0.75), test: score(0.875) } },
        ],
      },
    },
  }),
  event(7, 13, { $case: 'phaseChanged', value: { phase: RunPhase.RUN_PHASE_COMPLETED, stage: 1 } }),
];

/** Them as a stream. */
export async function* emitted(): AsyncGenerator<WatchRunResponse> {
  yield* emittedRun;
}
