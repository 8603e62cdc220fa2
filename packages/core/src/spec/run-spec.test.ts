import { describe, expect, test } from 'vitest';
import { RunSpec, specDigest } from './run-spec.js';

const task = { kind: 'task' };
const anchor = { kind: 'distillation', from: 'anchor' };
const peer = { kind: 'distillation', from: 'peer' };
const role = (...objective: object[]) => ({ model: { kind: 'plain-cnn', channels: [4] }, objective });
const written = { name: 'r', data: { kind: 'synthetic' }, epochs: 1, student: role(task), teacher: role(task) };

function mistakesOf(spec: object): readonly string[] {
  const { error } = RunSpec.safeParse(spec);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('a spec', () => {
  test('needs no more than names, data, epochs and what each role learns', () => {
    expect(mistakesOf(written)).toEqual([]);
  });

  test.for([[[task]], [[peer]], [[{ ...task, weight: 0 }, peer, anchor]]] as const)(
    'gives a role something to learn in generation 0: %j',
    ([objective]) => {
      expect(mistakesOf({ ...written, student: role(...objective) })).toEqual([]);
    },
  );

  test.for([[[anchor]], [[{ ...task, weight: 0 }, anchor]], [[{ ...peer, weight: 0 }]]] as const)(
    'is refused when a role learns nothing in generation 0: %j',
    ([objective]) => {
      expect(mistakesOf({ ...written, teacher: role(...objective) })).toEqual([
        expect.stringMatching(
          /^teacher\.objective: nothing to learn from (in generation 0, which has|while there is) no anchor/,
        ),
      ]);
    },
  );

  test('is refused when a gate has no task to compare with', () => {
    const gated = (threshold?: number) => ({ ...peer, gate: { kind: 'params-similarity', threshold } });
    expect(mistakesOf({ ...written, student: role(task, gated()) })).toEqual([]);
    for (const objective of [[gated()], [{ ...task, weight: 0 }, gated()]]) {
      expect(mistakesOf({ ...written, student: role(...objective) })).toEqual([
        'student.objective: a gate compares with the gradient of the task: a task term with a weight above 0 is needed',
      ]);
    }
  });

  test('is refused when the threshold of a gate is no cosine', () => {
    const by = (threshold: number) => ({ ...peer, gate: { kind: 'logits-similarity', threshold } });
    expect(mistakesOf({ ...written, student: role(task, by(1)) })).toEqual([]);
    expect(mistakesOf({ ...written, student: role(task, by(1.5)) })).toEqual([
      'student.objective.1.gate.threshold: Too big: expected number to be <=1',
    ]);
  });

  test('is refused when a role learns nothing in a later stage', () => {
    const by = (...byGeneration: readonly number[]) => ({ weight: { byGeneration } });
    const student = (...objective: readonly object[]) => mistakesOf({ ...written, student: role(...objective) });
    expect(student({ ...task, ...by(1, 0, 1) }, { ...anchor, ...by(0, 1, 0) })).toEqual([]);
    expect(student({ ...task, ...by(1, 1, 0) }, { ...peer, ...by(1, 0) })).toEqual([
      'student.objective: nothing to learn from in generation 2: a term with a weight above 0 is needed',
    ]);
  });

  test('may have terms with schedules and with a loss of their own', () => {
    const rising = {
      points: [
        [0, 0],
        [0.1, 1],
      ],
    };
    const term = { ...peer, weight: rising, temperature: { byGeneration: [8, 4] }, loss: { kind: 'dkd', beta: 2 } };
    expect(mistakesOf({ ...written, student: role(term) })).toEqual([]);
    expect(RunSpec.parse({ ...written, student: role(term) }).student?.objective).toEqual([
      { ...term, loss: { kind: 'dkd', alpha: 1, beta: 2, standardise: false } },
    ]);
    expect(mistakesOf({ ...written, student: role({ ...peer, loss: { kind: 'dkd', exponent: 2 } }) })).toEqual([
      'student.objective.0.loss: Unrecognized key: "exponent"',
    ]);
  });

  test('is refused when a temperature is learned of a loss that does not depend on it', () => {
    const learns = (loss?: object) => ({ ...peer, temperature: { learned: true }, loss });
    for (const loss of [undefined, { kind: 'dkd' }, { kind: 'ttm' }]) {
      expect(mistakesOf({ ...written, student: role(task, learns(loss)) })).toEqual([]);
    }
    for (const loss of [{ kind: 'mse' }, { kind: 'wttm', exponent: 0.2 }]) {
      expect(mistakesOf({ ...written, student: role(task, learns(loss)) })).toEqual([
        `student.objective: a temperature can be learned only where the loss depends on it, and this ${loss.kind} does not`,
      ]);
    }
  });

  test('is refused when a temperature is neither given nor learned, by the setting at fault', () => {
    const at = (temperature: unknown) => mistakesOf({ ...written, student: role(task, { ...peer, temperature }) });
    expect([{ learned: true, from: 2, range: 6, rampEpochs: 3 }, 4, { points: [[0, 1]] }].flatMap(at)).toEqual([]);
    expect(at({ learned: true, range: 0 })).toEqual([expect.stringMatching(/temperature.*range/)]);
    expect(at({ learned: true, to: 5 })).toEqual([expect.stringMatching(/temperature.*to/)]);
    expect(at('hot')).toEqual([expect.stringMatching(/temperature: expected a number, or a schedule/)]);
  });

  test('is refused when own kernels are to compute what they do not have', () => {
    const mistakesWith = (engine: object) => mistakesOf({ ...written, engine: { kernels: 'own', ...engine } });
    expect(mistakesWith({})).toEqual([]);
    for (const engine of [{ precision: 'bfloat16' }, { device: 'gpu' }]) {
      expect(mistakesWith(engine)).toEqual(['engine.kernels: own kernels compute float32 on a CPU: leave out kernels']);
    }
  });

  test('is refused when a batch needs more images than there are', () => {
    expect(mistakesOf({ ...written, batchSize: 256 })).toEqual([]);
    expect(mistakesOf({ ...written, batchSize: 257 })).toEqual([
      'batchSize: a batch of 257 needs more than the 256 training images',
    ]);
    expect(mistakesOf({ ...written, batchSize: 257, data: { kind: 'idx' } })).toEqual([]);
  });

  test('is refused when the warm-up is longer than a stage', () => {
    const short = { ...written, epochs: 3, batchSize: 16 };
    expect(mistakesOf({ ...short, warmupSteps: 48 })).toEqual([]);
    expect(mistakesOf({ ...short, warmupSteps: 49 })).toEqual([
      'warmupSteps: 49 steps of warm-up are more than the 48 steps of a stage',
    ]);
    expect(mistakesOf(short)).toEqual([]);
  });

  test('is refused when milestones do not ascend', () => {
    const by = (...milestones: readonly number[]) => ({ ...written, schedule: { kind: 'multistep', milestones } });
    expect(mistakesOf(by(0.5, 0.8))).toEqual([]);
    for (const milestones of [
      [0.8, 0.5],
      [0.5, 0.5],
    ])
      expect(mistakesOf(by(...milestones))).toEqual([
        'schedule.milestones: milestones must ascend, such as [0.5, 0.75]',
      ]);
  });
});

describe('the durations of a spec', () => {
  const durations = (everySeconds: number, stepTimeout: number) =>
    mistakesOf({ ...written, checkpoint: { everySeconds }, exchange: { stepTimeout } });

  test('are at most 30 days, however long a timer can wait', () => {
    expect(durations(2_592_000, 2_592_000)).toEqual([]);
    expect(durations(2_592_001, 5e6)).toEqual([
      'checkpoint.everySeconds: Too big: expected number to be <=2592000',
      'exchange.stepTimeout: Too big: expected number to be <=2592000',
    ]);
  });

  test('leave time to train between two checkpoints, and to a busy peer', () => {
    expect(durations(0.1, 0.1)).toEqual([]);
    expect(durations(1e-9, 1e-9)).toEqual([
      'checkpoint.everySeconds: Too small: expected number to be >=0.1',
      'exchange.stepTimeout: Too small: expected number to be >=0.1',
    ]);
  });
});

test('how logits are sent is part of the digest, and absent unless it is said', () => {
  const digestOf = (exchange: object) => specDigest(RunSpec.parse({ ...written, exchange }));
  expect(RunSpec.parse(written).exchange).toEqual({ window: 4, stepTimeout: 60 });
  expect(new Set([{}, { precision: 'float32' }, { precision: 'float16' }, { topK: 8 }].map(digestOf)).size).toBe(4);
  expect(mistakesOf({ ...written, exchange: { topK: 0, precision: 'int8' } })).toEqual([
    expect.stringMatching(/^exchange.precision: Invalid option/),
    'exchange.topK: Too small: expected number to be >0',
  ]);
});

test('the digest of a spec is that of its values, defaults included, in whatever order they were written', () => {
  const digest = specDigest(RunSpec.parse(written));
  expect(specDigest(RunSpec.parse({ seed: 0, ...written, batchSize: 128 }))).toBe(digest);
  expect(specDigest(RunSpec.parse({ ...written, seed: 1 }))).not.toBe(digest);
});

test('the digest of a spec is that of the versions before, so that stored runs can be resumed', () => {
  const spec = RunSpec.parse({ ...written, student: role(task, anchor, { ...peer, weight: 0.5, temperature: 2 }) });
  expect(specDigest(spec)).toBe('2224fd4c39fea207dbfd4f049393905fdfeb91dab0bec766b054f6b4f19eebff');
});

test('a spec without kernels has the digest of one with those of TensorFlow', () => {
  const digestOf = (engine: object) => specDigest(RunSpec.parse({ ...written, engine }));
  expect(digestOf({ kernels: 'tensorflow' })).toBe(digestOf({}));
  expect(digestOf({ kernels: 'own' })).not.toBe(digestOf({}));
});

test('the digest of a spec leaves out how its stages begin, on which no number depends', () => {
  const digest = specDigest(RunSpec.parse(written));
  expect(specDigest(RunSpec.parse({ ...written, curriculum: { advance: 'manual' } }))).toBe(digest);
  expect(specDigest(RunSpec.parse({ ...written, curriculum: { generations: 2 } }))).not.toBe(digest);
});
