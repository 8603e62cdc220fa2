import { Role } from '@trikd/protocol/gen/node/trikd/v1/common';
import { Run, RunPhase } from '@trikd/protocol/gen/node/trikd/v1/run';
import { describe, expect, test } from 'vitest';
import { quietDisplay } from './display.js';
import { newSummary } from './run-summary.js';

function recorder() {
  const lines: unknown[] = [];
  return { lines, write: (text: string) => lines.push(JSON.parse(text)) };
}

const progress = (nextStep: number) => ({
  $case: 'progress' as const,
  value: {
    role: Role.ROLE_STUDENT,
    generation: 0,
    totalSteps: 100,
    progress: {
      nextStep,
      terms: [],
      stepsPerSecond: 1,
      waits: [],
      batchAccuracy: 0.5,
      gradientNorm: 1,
      learningRate: 0.1,
    },
  },
});

describe('quietDisplay', () => {
  test('writes events at once, and progress every ten seconds', () => {
    const output = recorder();
    let time = 0;
    const display = quietDisplay(output, { write: () => undefined }, newSummary('trial', 2), () => time);
    for (const second of [1, 5, 9, 11, 12, 20, 22]) {
      time = 1000 * second;
      display.show(progress(second));
    }
    display.show({ $case: 'committed', value: { generation: 0, step: 20, manifestKey: 'key' } });
    expect(output.lines).toMatchObject([
      { event: 'progress', generation: 0, totalSteps: 100, student: { step: 11 } },
      { event: 'progress', student: { step: 22 } },
      { event: 'committed', step: 20 },
    ]);
  });

  test('tells of a run when it has changed, not when it was saved', () => {
    const output = recorder();
    const display = quietDisplay(output, { write: () => undefined }, newSummary('trial', 2), () => 0);
    const run = (generation: number) => ({
      $case: 'run' as const,
      value: Run.create({ runId: 'trial', phase: RunPhase.RUN_PHASE_TRAINING, generation, attempt: 1 }),
    });
    for (const generation of [0, 0, 1, 1]) display.show(run(generation));
    expect(output.lines).toMatchObject([{ generation: 0 }, { generation: 1 }]);
  });

  test('keeps sentences for people out of what programs read', () => {
    const output = recorder();
    const errors: string[] = [];
    const display = quietDisplay(output, { write: (text) => errors.push(text) }, newSummary('trial', 2), () => 0);
    display.say('resting');
    display.show({ $case: 'drained', value: { generation: 1, step: 7 } });
    expect(errors).toEqual(['resting\n']);
    expect(output.lines).toEqual([{ event: 'drained', generation: 1, step: 7 }]);
    expect(display.summary()).toMatchObject({ drained: { step: 7 }, phase: RunPhase.RUN_PHASE_PREPARING });
  });
});
