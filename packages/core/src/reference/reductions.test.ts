import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { datasetFor, writtenSpec } from '@trikd/testing/specs/spec-for';
import { memoryBlobs } from '@trikd/testing/training/lone-ports';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Params } from '../models/params.js';
import { RunSpec } from '../spec/run-spec.js';
import { type ReferenceResult, runReference } from './reference.js';

// Methods that are special cases of each other train the same params: bit for bit, unless a test says otherwise. The seed of a model is
// made of the index of its stage and its name, so only learners that agree in both are compared.

const tiny = writtenSpec('tiny');
const { student: _student, teacher: _teacher, ...rest } = tiny;
const student = { model: tiny.student.model };
const teacher = { model: tiny.teacher.model };
const pair = { student, teacher };
const task = (weight = 1) => ({ kind: 'task', weight });
const hint = (from: string, weight = 1, temperature = 4) => ({ kind: 'distillation', from, weight, temperature });

const blobs = memoryBlobs();

/** All stages of a run, until it ends or there are so many. */
async function run(changes: object, stages = Number.POSITIVE_INFINITY): Promise<readonly ReferenceResult[]> {
  const spec = RunSpec.parse({ ...rest, ...changes });
  const results: ReferenceResult[] = [];
  for await (const result of runReference({ spec, dataset: datasetFor(spec), ...blobs, clock: virtualClock() })) {
    results.push(result);
    if (results.length === stages) break;
  }
  return results;
}

/** Digests of the params and slots of a learner at the end of each stage, and of its best params. */
const bitsOf = (results: readonly ReferenceResult[], learner: string) =>
  results.map(({ learners }) => [learners[learner]?.state.sha256, learners[learner]?.best?.params.sha256]);

const twoStages = { curriculum: { generations: 2 } };

describe('mutual learning', () => {
  test('is generation 0 of trikd with all weights 1 at T = 1', async () => {
    const dml = await run({ ...pair, method: 'dml' });
    const trikd = await run(
      {
        student: { ...student, objective: [task(), hint('peer', 1, 1), hint('anchor')] },
        teacher: { ...teacher, objective: [task(), hint('peer', 1, 1), hint('anchor')] },
      },
      1,
    );
    for (const learner of ['student', 'teacher']) expect(bitsOf(dml, learner)).toEqual(bitsOf(trikd, learner));
  });

  test('is generation 1 of trikd too when the weights of the anchor are 0, from the same seeds', async () => {
    const weighted = (...anchor: readonly object[]) => ({
      student: { ...student, objective: [task(), ...anchor, hint('peer', 1, 2)] },
      teacher: { ...teacher, objective: [task(), ...anchor, hint('peer', 1, 2)] },
      ...twoStages,
    });
    const [weightless, without] = [await run(weighted(hint('anchor', 0))), await run(weighted())];
    expect(weightless[1]!.frozen).toHaveProperty('anchor');
    for (const learner of ['student', 'teacher']) expect(bitsOf(weightless, learner)).toEqual(bitsOf(without, learner));
    const mutual = {
      student: { ...student, objective: [task(), hint('peer', 1, 2)] },
      teacher: { ...teacher, objective: [task(), hint('peer', 1, 2)] },
    };
    const online = await run({ stages: ['one', 'two'].map((name) => ({ name, learners: mutual })) });
    for (const learner of ['student', 'teacher']) expect(bitsOf(weightless, learner)).toEqual(bitsOf(online, learner));
  });

  test('is online distillation when the teacher does not hear the student', async () => {
    const online = await run({ ...pair, method: { kind: 'online-kd', temperature: 2 } });
    const trikd = await run(
      {
        student: { ...student, objective: [task(), hint('peer', 1, 2)] },
        teacher: { ...teacher, objective: [task()] },
      },
      1,
    );
    for (const learner of ['student', 'teacher']) expect(bitsOf(online, learner)).toEqual(bitsOf(trikd, learner));
  });
});

describe('trikd', () => {
  test('is self-distillation of born-again networks when the student hears labels and anchor alone', async () => {
    const bornAgain = await run({
      student,
      method: { kind: 'born-again', weight: 0.5, temperature: 2 },
      ...twoStages,
    });
    const trikd = await run({
      student: { ...student, objective: [task(), hint('anchor', 0.5, 2)] },
      teacher: { ...teacher, objective: [task()] },
      ...twoStages,
    });
    expect(bitsOf(trikd, 'student')).toEqual(bitsOf(bornAgain, 'student'));
    expect(trikd[1]!.frozen['anchor']).toEqual(bornAgain[1]!.frozen['previous']);
  });

  test('with an anchor for one learner alone is trikd whose other objective does not name it', async () => {
    const hearing = (...from: readonly string[]) => [task(), ...from.map((name) => hint(name, 0.5, 2))];
    const roles = (ofTeacher: readonly object[]) => ({
      student: { ...student, objective: hearing('anchor', 'peer') },
      teacher: { ...teacher, objective: ofTeacher },
      ...twoStages,
    });
    const knob = await run({
      ...roles(hearing('anchor', 'peer')),
      method: { kind: 'trikd', anchorTeaches: 'student' },
    });
    const written = await run(roles(hearing('peer')));
    for (const learner of ['student', 'teacher']) expect(bitsOf(knob, learner)).toEqual(bitsOf(written, learner));
  });
});

describe('learning from the labels', () => {
  let ce: readonly ReferenceResult[];
  beforeAll(async () => {
    ce = await run({ student, method: 'ce' });
  });

  test('is generation 0 of label-anchor', async () => {
    expect(bitsOf(await run({ ...pair, method: 'label-anchor' }, 1), 'student')).toEqual(bitsOf(ce, 'student'));
  });

  test('is generation 0 of born-again', async () => {
    expect(bitsOf(await run({ student, method: 'born-again' }, 1), 'student')).toEqual(bitsOf(ce, 'student'));
  });

  test('is a stage that is written out with a learner of the same name', async () => {
    expect(bitsOf(await run({ stages: [{ name: 'any', learners: { student } }] }), 'student')).toEqual(
      bitsOf(ce, 'student'),
    );
  });

  test('under the name teacher is the first stage of kd', async () => {
    const alone = await run({ stages: [{ name: 'any', learners: { teacher } }] });
    expect(bitsOf(await run({ ...pair, method: 'kd' }, 1), 'teacher')).toEqual(bitsOf(alone, 'teacher'));
  });
});

describe('kd', () => {
  let kd: readonly ReferenceResult[];
  beforeAll(async () => {
    kd = await run({ ...pair, method: 'kd' });
  });

  test.each(['teacher', 'hint'])('is eskd whose %s ends after the last step', async (stops) => {
    const eskd = await run({ ...pair, method: { kind: 'eskd', stops, after: 0.99 } });
    expect(bitsOf(eskd, 'teacher')).toEqual(bitsOf(kd, 'teacher'));
    expect(bitsOf(eskd, 'student')).toEqual(bitsOf(kd, 'student'));
  });

  test('is not eskd whose hint ends half-way', async () => {
    const eskd = await run({ ...pair, method: { kind: 'eskd', stops: 'hint', after: 0.5 } });
    expect(bitsOf(eskd, 'teacher')).toEqual(bitsOf(kd, 'teacher'));
    expect(bitsOf(eskd, 'student')).not.toEqual(bitsOf(kd, 'student'));
  });

  test('is two stages that are written out, whatever their names and that of the frozen model', async () => {
    const written = await run({
      stages: [
        { name: 'any', learners: { teacher } },
        {
          name: 'other',
          learners: { student: { ...student, objective: [task(0.1), hint('large', 0.9)] } },
          frozen: { large: { stage: 'any', participant: 'teacher' } },
        },
      ],
    });
    expect(bitsOf(written, 'student')).toEqual(bitsOf(kd, 'student'));
  });

  test('is sckd whose gate is always open, within 1e-6: the gradients of the terms are summed in another order', async () => {
    const method = { kind: 'sckd', threshold: -1, taskWeight: 0.1, weight: 0.9 };
    const sckd = await run({ ...pair, method });
    expect(bitsOf(sckd, 'teacher')).toEqual(bitsOf(kd, 'teacher'));
    const last = async (results: readonly ReferenceResult[]) => blobs.load(results[1]!.learners['student']!.state);
    expect(largestDifference(await last(sckd), await last(kd))).toBeLessThan(1e-6);
    const shut = await run({ ...pair, method: { ...method, threshold: 1 } });
    expect(largestDifference(await last(shut), await last(kd))).toBeGreaterThan(1e-3);
  });
});

function largestDifference(one: Params, other: Params): number {
  expect([...one.keys()]).toEqual([...other.keys()]);
  const differences = [...one].flatMap(([name, { data }]) =>
    Array.from(data, (value, index) => Math.abs(value - other.get(name)!.data[index]!)),
  );
  return Math.max(...differences);
}
