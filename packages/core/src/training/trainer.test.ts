import { datasetFor, specFor } from '@trikd/testing/specs/spec-for';
import { dullFrames, lonePorts } from '@trikd/testing/training/lone-ports';
import { describe, expect, test } from 'vitest';
import { TrikdError } from '../domain/errors.js';
import type { Score } from '../domain/role-checkpoint.js';
import type { LogitsFrame } from '../exchange/frame.js';
import { createFrameWindow } from '../exchange/frame-window.js';
import type { HostTensor } from '../models/params.js';
import type { RunSpec } from '../spec/run-spec.js';
import { stageAt } from '../stages/stages-of.js';
import { classification } from '../tasks/classification/classification.js';
import type { TrainingStart } from './assignment.js';
import type { TrainerEvent, TrainerPorts } from './ports.js';
import { createStepLimit } from './step-limit.js';
import { collapseAlarm, explosionAlarm, lossAlarms, progressMeter, trainStage } from './trainer.js';

const CHANCE = Math.log(10);
const ofTen = classification.chance({ classes: 10 });

/** How often the alarm speaks for a series of losses. */
const spoken = (losses: readonly number[], patience = 3) => {
  const alarm = collapseAlarm(ofTen, patience);
  return losses.map((loss) => alarm(loss) !== undefined);
};

describe('the alarm of a collapsed pair', () => {
  test('speaks at the last step of its patience at the loss of guessing, and once', () => {
    expect(spoken([CHANCE, CHANCE, CHANCE, CHANCE, CHANCE])).toEqual([false, false, true, false, false]);
  });

  test('takes a loss within 1 % for that of guessing', () => {
    expect(spoken([1.009 * CHANCE, 0.991 * CHANCE, CHANCE])).toEqual([false, false, true]);
    expect(spoken([1.011 * CHANCE, 0.989 * CHANCE, CHANCE])).toEqual([false, false, false]);
  });

  test('starts counting again after a loss that says something, and can speak again', () => {
    const series = [CHANCE, CHANCE, 1, CHANCE, CHANCE, CHANCE, 2, CHANCE, CHANCE, CHANCE];
    expect(spoken(series)).toEqual([false, false, false, false, false, true, false, false, false, true]);
  });

  test('is silent about an objective without a task term', () => {
    expect(spoken(Array(10).fill(Number.NaN))).toEqual(Array(10).fill(false));
  });

  test('names the loss, the steps and what to do', () => {
    expect(collapseAlarm(ofTen, 1)(CHANCE)).toBe(
      'the task loss has been at ln(10) = 2.3026 for 1 steps, as if the model knew nothing: ' +
        'lower the learning rate, lengthen the warm-up, or reduce the distillation weights of the teacher',
    );
  });
});

describe('the alarm of an exploded loss', () => {
  const LIMIT = 100 * CHANCE;
  const explosions = (losses: readonly number[]) => {
    const alarm = explosionAlarm(ofTen, 3);
    return losses.map((loss) => alarm(loss) !== undefined);
  };

  test('speaks once for each time that the loss stays far above that of guessing', () => {
    expect(explosions([1e19, 1e19, 1e19, 1e19, 2, 1e19, 1e19, LIMIT + 1])).toEqual([
      ...[false, false, true, false, false, false, false, true],
    ]);
  });

  test('is silent about a loss that comes down again, and about an objective without a task term', () => {
    expect(explosions([1e19, 1e19, LIMIT, 1e19, 1e19])).toEqual(Array(5).fill(false));
    expect(explosions(Array(10).fill(Number.NaN))).toEqual(Array(10).fill(false));
  });

  test('is one of those that a trainer watches', () => {
    const alarm = lossAlarms(ofTen, 50);
    const messages = Array.from({ length: 25 }, () => alarm(1e19)).filter((message) => message !== undefined);
    expect(messages).toEqual([
      'the task loss has exploded: it has been above 230, 100 times chance level, for 20 steps: ' +
        'lower the learning rate, lengthen the warm-up, or set a smaller clipNorm',
    ]);
  });
});

/** A meter on a clock that a test moves, in milliseconds. */
function meterAt(start: number) {
  let time = start;
  const measure = progressMeter(() => time);
  return (milliseconds: number, waits: Parameters<typeof measure>[0] = {}) => {
    time += milliseconds;
    return measure(waits);
  };
}

describe('the progress meter', () => {
  test('counts steps a second from its making on', () => {
    const step = meterAt(1000);
    expect(step(250).stepsPerSecond).toBeCloseTo(4, 9);
    expect(step(750).stepsPerSecond).toBeCloseTo(2, 9);
  });

  test('forgets what is more than five seconds ago', () => {
    const step = meterAt(0);
    step(100, { peer: 100 });
    for (let i = 0; i < 60; i++) step(1000, { peer: 250 });
    const { stepsPerSecond, waits } = step(1000, { peer: 250 });
    expect(stepsPerSecond).toBeCloseTo(1, 9);
    expect(waits.peer).toBeCloseTo(0.25, 9);
  });

  test('is right about steps that each take longer than that', () => {
    const step = meterAt(0);
    step(20_000);
    expect(step(20_000, { anchor: 5000 })).toEqual({ stepsPerSecond: 0.05, waits: { anchor: 0.25 } });
  });

  test('shares the waits by source, never more than all of the time', () => {
    const step = meterAt(0);
    expect(step(1000, { anchor: 100, peer: 2000 }).waits).toEqual({ anchor: 0.1, peer: 1 });
  });

  test('knows no waits where nothing is heard', () => {
    expect(meterAt(0)(10).waits).toEqual({});
  });
});

const accuracyOf = ({ metrics }: Score) => metrics['accuracy']!;

const attempt = { runId: 'tiny', stage: 0, attempt: 1 };
const dataset = datasetFor(specFor('tiny'));

const train = (spec: RunSpec, ports: TrainerPorts) =>
  trainStage({ role: 'student', spec, stage: stageAt(spec, 0, false), attempt, startStep: 0 }, dataset, ports);

const kinds = (events: readonly TrainerEvent[]) => events.map(({ kind }) => kind).filter((kind) => kind !== 'progress');

/** An event that a test looks at, by the order of its kind. */
function nth<K extends TrainerEvent['kind']>(events: readonly TrainerEvent[], kind: K, index: number) {
  return events.filter((event): event is Extract<TrainerEvent, { kind: K }> => event.kind === kind).at(index)!;
}

/** A promise that is settled from outside. */
function signalled() {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

describe('a whole stage', () => {
  test('emits in order: validations and checkpoints by epoch, one last checkpoint, the pause', async () => {
    const { ports, events } = lonePorts();
    await train(specFor('tiny, student alone'), ports);
    expect(kinds(events)).toEqual([
      ...['evaluation', 'checkpoint', 'evaluation', 'checkpoint', 'evaluation', 'checkpoint', 'resting'],
    ]);
    const progress = events.flatMap((event) => (event.kind === 'progress' ? [event.progress.nextStep] : []));
    expect(progress).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(nth(events, 'evaluation', -1).step).toBe(12);
    expect(nth(events, 'resting', 0).nextStep).toBe(12);
  });

  test('learns: the loss falls and validation beats guessing', async () => {
    const { ports, events } = lonePorts();
    await train(specFor('tiny, student alone'), ports);
    const losses = events.flatMap((event) => (event.kind === 'progress' ? [event.progress.terms[0]!.value] : []));
    expect(losses.at(-1)!).toBeLessThan(0.8 * losses[0]!);
    expect(accuracyOf(nth(events, 'evaluation', -1).validation)).toBeGreaterThan(0.5);
  });

  test('keeps the best validated params, and scores them on the test split at the end', async () => {
    const { ports, events } = lonePorts();
    await train(specFor('tiny, student alone'), ports);
    const scores = events.flatMap((event) => (event.kind === 'evaluation' ? [event] : []));
    const best = nth(events, 'checkpoint', -1).checkpoint.best!;
    const accuracy = Math.max(...scores.map(({ validation }) => accuracyOf(validation)));
    expect(accuracyOf(best.validation)).toBe(accuracy);
    expect(best.step).toBe(scores.find(({ validation }) => accuracyOf(validation) === accuracy)!.step);
    expect(best.test).toMatchObject({ examples: 20 });
    const names = [...(await ports.load(best.params)).keys()];
    expect(names).toContain('classifier/kernel');
    expect(names.filter((name) => name.endsWith('/momentum'))).toEqual([]);
  });

  test('reports what it fed: the learning rate of the step and the shares of the batch', async () => {
    const { ports, events } = lonePorts();
    await train(specFor('tiny, student alone', { student: { learningRate: 0.5 } }), ports);
    const [first, second] = [nth(events, 'progress', 0).progress, nth(events, 'progress', 1).progress];
    expect([first.learningRate, second.learningRate]).toEqual([0.25, 0.5]);
    const share = 16 * first.batchMetrics['accuracy']!;
    expect(share).toBeCloseTo(Math.round(share), 10);
    expect(first.terms.map(({ part }) => part)).toEqual(['task']);
    expect(first.gradientNorm).toBeGreaterThan(0);
  });

  test('publishes one frame a step, of the batch that everybody derives', async () => {
    const published: LogitsFrame[] = [];
    const { ports } = lonePorts({ publish: async (frame) => void published.push(frame) });
    await train(specFor('tiny, student alone'), ports);
    expect(published.map(({ position }) => position.step)).toEqual([...Array(12).keys()]);
    const honest = dullFrames(specFor('tiny, student alone'), dataset, attempt);
    for (const frame of published) {
      const expected = (await honest.next()).value!;
      expect(frame.batchDigest).toBe(expected.batchDigest);
      expect(frame.position).toEqual(expected.position);
      expect(frame.logits).toMatchObject({ rows: 16, cols: 4 });
    }
  });
});

describe('a limit', () => {
  test('at the first step lets nothing begin and saves nothing', async () => {
    const limit = createStepLimit(0);
    const { promise: rests, resolve } = signalled();
    const { ports, events } = lonePorts({ limit });
    const emit = (event: TrainerEvent) => {
      ports.emit(event);
      if (event.kind === 'resting') resolve();
    };
    const training = train(specFor('tiny, student alone'), { ...ports, emit });
    await rests;
    expect(events).toEqual([{ kind: 'resting', nextStep: 0 }]);
    limit.move(100);
    await training;
    expect(nth(events, 'resting', -1).nextStep).toBe(12);
  });

  test('that is abandoned ends the training with the reason', async () => {
    const limit = createStepLimit(3);
    const reason = new TrikdError('wrong-state', 'superseded');
    const { ports } = lonePorts({ limit });
    const emit = (event: TrainerEvent) => event.kind === 'resting' && limit.abandon(reason);
    await expect(train(specFor('tiny, student alone'), { ...ports, emit })).rejects.toBe(reason);
  });
});

describe('training ends by name', () => {
  test('when the loss is not finite', async () => {
    const published: LogitsFrame[] = [];
    const { ports, events } = lonePorts({ publish: async (frame) => void published.push(frame) });
    const spec = specFor('tiny, student alone', { student: { learningRate: 1e38, clipNorm: null } });
    await expect(train(spec, ports)).rejects.toMatchObject({
      kind: 'diverged',
      message: expect.stringMatching(
        /^(the student computed a logit of (NaN|-?Infinity) at step \d+|the loss of the student is not finite at step \d+: task \S+, gradient norm \S+)$/,
      ),
    });
    expect(kinds(events)).not.toContain('checkpoint');
    // No other model learns from it.
    expect(published.flatMap(({ logits }) => Array.from(logits.data)).every(Number.isFinite)).toBe(true);
  });

  const hearing = specFor('tiny');
  const withFrames = (change: (frame: LogitsFrame) => LogitsFrame) =>
    lonePorts({ frames: { teacher: dullFrames(hearing, dataset, attempt, change) } }).ports;

  test.each<[string, (frame: LogitsFrame) => LogitsFrame, string, RegExp]>([
    [
      'another batch',
      (frame) => ({ ...frame, batchDigest: '00' }),
      'out-of-step',
      /^the teacher saw another batch at step 0: digest 00/,
    ],
    [
      'another attempt',
      (frame) => ({ ...frame, position: { ...frame.position, attempt: 2 } }),
      'out-of-step',
      /^the teacher sent attempt 2, expected 1$/,
    ],
    [
      'the step before',
      (frame) => ({ ...frame, position: { ...frame.position, step: frame.position.step - 1 } }),
      'out-of-step',
      /^the teacher sent step -1, expected 0$/,
    ],
    [
      'another shape',
      (frame) => ({ ...frame, logits: { ...frame.logits, rows: 15 } }),
      'out-of-step',
      /^the teacher sent 15x4 logits/,
    ],
    [
      'a NaN',
      (frame) => ({ ...frame, logits: { ...frame.logits, data: frame.logits.data.fill(Number.NaN, 5, 6) } }),
      'out-of-step',
      /^the teacher sent NaN in row 1, column 1 at step 0$/,
    ],
  ])('when a frame is of %s', async (_name, change, kind, message) => {
    await expect(train(hearing, withFrames(change))).rejects.toMatchObject({
      kind,
      message: expect.stringMatching(message),
    });
  });

  test('when the peer stops early', async () => {
    const { ports, events } = lonePorts({ frames: { teacher: two() } });
    async function* two(): AsyncGenerator<LogitsFrame, void> {
      const frames = dullFrames(hearing, dataset, attempt);
      for (let step = 0; step < 2; step++) yield (await frames.next()).value!;
    }
    const ended = { kind: 'unavailable', message: 'the teacher stopped before step 2' };
    await expect(train(hearing, ports)).rejects.toMatchObject(ended);
    expect(events.filter(({ kind }) => kind === 'progress')).toHaveLength(2);
  });

  test('when it has no source for frames that it needs', async () => {
    const missing = { kind: 'unavailable', message: 'the teacher stopped before step 0' };
    await expect(train(hearing, lonePorts().ports)).rejects.toMatchObject(missing);
  });

  test('when its frame cannot be published', async () => {
    const refused = new TrikdError('out-of-step', 'fenced off');
    const { ports } = lonePorts({ publish: () => Promise.reject(refused) });
    await expect(train(specFor('tiny, student alone'), ports)).rejects.toBe(refused);
  });

  test('when the state to resume from, or its best params, are not those of the model', async () => {
    const { ports, events } = lonePorts();
    await train(specFor('tiny, student alone'), ports);
    const { step: startStep, ...saved } = nth(events, 'checkpoint', 1).checkpoint;
    const state = await ports.load(saved.state);
    const best = saved.best!;
    const alone = specFor('tiny, student alone');
    const start = { role: 'student', spec: alone, stage: stageAt(alone, 0, false), attempt, startStep } as const;
    const resume = (from: NonNullable<TrainingStart['resume']>) =>
      trainStage({ ...start, resume: from }, dataset, ports);
    const one: HostTensor = { dtype: 'float32', shape: [1], data: new Float32Array(1) };
    const emitted = events.length;

    await expect(resume({ state: new Map([...state, ['conv0/kernel', one]]), best })).rejects.toMatchObject({
      kind: 'invalid',
      message:
        'params of the checkpoint do not fit the model: 1 of another type or shape (conv0/kernel is float32[1] instead of float32[3,3,1,4])',
    });
    // The whole state is no model: it has the slots of the optimizer too.
    await expect(resume({ state, best: { ...best, params: saved.state } })).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringMatching(
        /^best params of the checkpoint do not fit the model: \d+ not expected \(\S+\/momentum, /,
      ),
    });
    expect(events).toHaveLength(emitted);
  });
});

describe('an abort ends the training with its reason', () => {
  const reason = new TrikdError('wrong-state', 'given up');

  test('before it begins', async () => {
    const { ports, events } = lonePorts({ signal: AbortSignal.abort(reason) });
    await expect(train(specFor('tiny, student alone'), ports)).rejects.toBe(reason);
    expect(events).toEqual([]);
  });

  test('while it waits for a frame that never comes', async () => {
    const abort = new AbortController();
    const silent = {
      next() {
        queueMicrotask(() => abort.abort(reason));
        return new Promise<never>(() => {});
      },
    };
    const { ports } = lonePorts({ signal: abort.signal, frames: { teacher: silent } });
    await expect(train(specFor('tiny'), ports)).rejects.toBe(reason);
  });

  test('while it waits for room in its window', async () => {
    const abort = new AbortController();
    const window = createFrameWindow({ attempt, firstStep: 0, size: 2, consumers: ['teacher'] });
    const publish = (frame: LogitsFrame) => {
      if (frame.position.step === 2) queueMicrotask(() => abort.abort(reason));
      return window.publish(frame);
    };
    const { ports } = lonePorts({ signal: abort.signal, publish });
    await expect(train(specFor('tiny, student alone'), ports)).rejects.toBe(reason);
    expect(window.nextStep).toBe(2);
  });

  test('while it waits at a limit that does not move', async () => {
    const abort = new AbortController();
    const { ports } = lonePorts({ signal: abort.signal, limit: createStepLimit(2) });
    const emit = (event: TrainerEvent) => event.kind === 'resting' && abort.abort(reason);
    await expect(train(specFor('tiny, student alone'), { ...ports, emit })).rejects.toBe(reason);
  });

  test('in the middle of a step', async () => {
    const abort = new AbortController();
    const { ports } = lonePorts({ signal: abort.signal });
    const emit = (event: TrainerEvent) =>
      event.kind === 'progress' && event.progress.nextStep === 5 && queueMicrotask(() => abort.abort(reason));
    await expect(train(specFor('tiny, student alone'), { ...ports, emit })).rejects.toBe(reason);
  });
});
