import type { HostTensor } from '@trikd/engine';
import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { datasetFor, type SpecChanges, specFor } from '@trikd/testing/specs/spec-for';
import { memoryBlobs } from '@trikd/testing/training/lone-ports';
import { describe, expect, test } from 'vitest';
import { type ReferenceRun, runReferenceStage } from '../../reference/reference.js';
import { stageAt } from '../../stages/stages-of.js';
import type { TrainerEvent } from '../ports.js';
import { randomFeeds } from '../role-program.js';

const attention = { kind: 'vit', patch: 4, width: 8, depth: 1, heads: 2 } as const;
const labels = { objective: [{ kind: 'task' as const }] };

/** Trains the first stage of a tiny run for some steps. */
async function trained(changes: SpecChanges, until = 4) {
  const spec = specFor('tiny', changes);
  const events: TrainerEvent[] = [];
  const run: ReferenceRun = {
    ...{ spec, dataset: datasetFor(spec), ...memoryBlobs(), clock: virtualClock() },
    emit: (role, event) => role === 'student' && void events.push(event),
  };
  const { learners } = await runReferenceStage(run, stageAt(spec, 0, false), {}, until);
  const { student, teacher } = learners;
  if (!student || !teacher) throw new TypeError('the first stage has a student and a teacher');
  const steps = events.flatMap((event) => (event.kind === 'progress' ? [event.progress] : []));
  return { student: await run.load(student.state), teacher, steps, digest: student.state.sha256 };
}

/** The largest difference of any number of two states. */
function apart(a: ReadonlyMap<string, HostTensor>, b: ReadonlyMap<string, HostTensor>): number {
  expect([...a.keys()]).toEqual([...b.keys()]);
  return Math.max(
    ...[...a].flatMap(([name, { data }]) => Array.from(data, (value, i) => Math.abs(value - b.get(name)!.data[i]!))),
  );
}

describe('two replicas', () => {
  test('learn what one model learns from whole batches, within rounding, if there is no batch norm', async () => {
    const model = { student: { model: attention } };
    const whole = await trained(model);
    const shared = await trained({ student: { ...model.student, replicas: 2 } });
    expect(apart(shared.student, whole.student)).toBeLessThan(1e-5);
    for (const [index, step] of shared.steps.entries()) {
      const expected = whole.steps[index]!;
      expect(step.batchMetrics).toEqual(expected.batchMetrics);
      expect(step.gradientNorm).toBeCloseTo(expected.gradientNorm, 4);
      for (const [term, { value }] of step.terms.entries()) expect(value).toBeCloseTo(expected.terms[term]!.value, 4);
    }
  });

  test('give the same bits again', async () => {
    const changes = { student: { replicas: 2 }, teacher: { replicas: 4 } };
    const [first, second] = [await trained(changes), await trained(changes)];
    expect([second.digest, second.teacher.state.sha256]).toEqual([first.digest, first.teacher.state.sha256]);
  });

  test('answer a peer with the logits of whole batches', async () => {
    // The model of the teacher has no batch norm: its logits do not depend on the parts.
    const teacher = { model: attention, ...labels };
    const whole = await trained({ teacher }, 1);
    const shared = await trained({ teacher: { ...teacher, replicas: 2 } }, 1);
    expect(apart(shared.student, whole.student)).toBeLessThan(1e-6);
  });

  test('normalise by their own parts, and store the mean of the statistics that each would store', async () => {
    // Too small to change a param: every step normalises the same.
    const still = { learningRate: 1e-30, ...labels };
    const statistics = async (until: number, changes: SpecChanges) => {
      const { student } = await trained({ ...changes, student: { ...still, ...changes.student } }, until);
      const named = [...student].filter(([name]) => /moving_(mean|variance)$/.test(name));
      expect(named).not.toEqual([]);
      return named.flatMap(([name, { data }]) =>
        Array.from(data, (value) => ({ value, initial: /mean$/.test(name) ? 0 : 1 })),
      );
    };
    // Batches of half the size are the halves.
    const first = await statistics(1, { batchSize: 8 });
    const second = await statistics(2, { batchSize: 8 });
    const shared = await statistics(1, { student: { replicas: 2 } });
    for (const [index, { value, initial }] of shared.entries()) {
      const ofFirst = first[index]!.value;
      const ofSecond = second[index]!.value - 0.9 * ofFirst + 0.9 * initial;
      expect(value).toBeCloseTo((ofFirst + ofSecond) / 2, 5);
    }
  });

  test('learn temperatures, and shut gates on the params, as one model does', async () => {
    const objective = [
      { kind: 'task' as const },
      {
        ...{ kind: 'distillation' as const, from: 'peer', temperature: { learned: true as const, from: 2, range: 4 } },
        gate: { kind: 'params-similarity' as const },
      },
    ];
    const student = { model: attention, objective };
    const [whole, shared] = [await trained({ student }), await trained({ student: { ...student, replicas: 2 } })];
    expect(apart(shared.student, whole.student)).toBeLessThan(1e-5);
    expect(shared.steps.map(({ terms }) => terms[1]?.open)).toEqual(whole.steps.map(({ terms }) => terms[1]?.open));
  });
});

test('replicas draw other random numbers than each other', () => {
  const spec = specFor('tiny');
  const stage = stageAt(spec, 0, false);
  const seeds = [0, 1, 2].map((rank) => randomFeeds(spec, stage, stage.learners[0]!, 5, rank).seed[0]);
  expect(new Set(seeds).size).toBe(3);
});
