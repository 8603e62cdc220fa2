import { emptyHistory } from '@trikd/events/run-history';
import { PhaseChanged, Run, RunPhase, type WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { describe, expect, test } from 'vitest';
import { quietDisplay } from './display.js';

function recorder() {
  const lines: unknown[] = [];
  return { lines, write: (text: string) => lines.push(JSON.parse(text)) };
}

const message = (event: WatchRunResponse['event'], number = 0): WatchRunResponse => ({
  event,
  number,
  time: undefined,
});

const phase = (stage: number) => ({ phase: RunPhase.RUN_PHASE_TRAINING, stage, attempt: 1 });
const snapshot = (stage: number) =>
  message({
    $case: 'run',
    value: Run.fromPartial({ runId: 'trial', ...phase(stage), progress: { stepsTotal: 200 } }),
  });

const progress = (nextStep: number) => ({
  $case: 'progress' as const,
  value: {
    participant: 'student',
    stage: 0,
    totalSteps: 100,
    progress: {
      nextStep,
      terms: [],
      stepsPerSecond: 1,
      waits: [],
      batchMetrics: { accuracy: 0.5 },
      gradientNorm: 1,
      learningRate: 0.1,
    },
  },
});

describe('quietDisplay', () => {
  test('writes events at once, and progress every ten seconds', () => {
    const output = recorder();
    let time = 0;
    const display = quietDisplay(output, { write: () => undefined }, emptyHistory, () => time);
    display.show(snapshot(0));
    for (const second of [1, 5, 9, 11, 12, 20, 22]) {
      time = 1000 * second;
      display.show(message(progress(second)));
    }
    display.show(message({ $case: 'committed', value: { stage: 0, step: 20, manifestKey: 'key' } }));
    expect(output.lines).toMatchObject([
      { event: 'run', phase: 'training' },
      { event: 'progress', stage: 0, totalSteps: 100, student: { step: 11 } },
      { event: 'progress', student: { step: 22 } },
      { event: 'committed', step: 20 },
    ]);
  });

  test('writes a phase once, though a snapshot and an event say the same', () => {
    const output = recorder();
    const display = quietDisplay(output, { write: () => undefined }, emptyHistory, () => 0);
    display.show(snapshot(0));
    for (const [index, stage] of [0, 1].entries()) {
      const value = PhaseChanged.fromPartial(phase(stage));
      display.show(message({ $case: 'phaseChanged', value }, index + 1));
    }
    expect(output.lines).toMatchObject([{ stage: 0 }, { stage: 1 }]);
  });

  test('keeps sentences for people out of what programs read', () => {
    const output = recorder();
    const errors: string[] = [];
    const display = quietDisplay(output, { write: (text) => errors.push(text) }, emptyHistory, () => 0);
    display.say('resting');
    display.show(message({ $case: 'drained', value: { stage: 1, step: 7 } }));
    expect(errors).toEqual(['resting\n']);
    expect(output.lines).toEqual([{ event: 'drained', stage: 1, step: 7 }]);
    expect(display.history()).toMatchObject({ drained: { step: 7 } });
  });
});
