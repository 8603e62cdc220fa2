import { blobsFolder, saveParams } from '@trikd/core/checkpoint/blobs';
import { toTrainerEvent } from '@trikd/protocol/convert-trainer';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { numberTrainer, paramsOf } from '@trikd/testing/toy-model/number-model';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listenTo } from './exchange-rig.js';
import {
  agreement,
  assignment,
  attempt,
  checkpointAt,
  contentOf,
  openAnchorServer,
  openTrainer,
  TOTAL_STEPS,
  type TrainerUnderTest,
  until,
} from './trio-rig.js';

const store = memoryStore();
const opened: { close(): Promise<void> }[] = [];
let teacher: TrainerUnderTest;
let student: TrainerUnderTest;

async function open<T extends { close(): Promise<void> }>(one: Promise<T>): Promise<T> {
  const service = await one;
  opened.push(service);
  return service;
}

beforeEach(async () => {
  teacher = await open(openTrainer('teacher', store));
  student = await open(openTrainer('student', store));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

/** Gives both trainers an attempt that hears the other one. */
const assignBoth = ({ sources = {}, ...options }: Parameters<typeof assignment>[0] = {}) =>
  Promise.all([
    teacher.assign(assignment({ ...options, sources: { ...sources, student: student.address } })),
    student.assign(assignment({ ...options, sources: { ...sources, teacher: teacher.address } })),
  ]);

describe('two trainers', () => {
  test('train a stage and return its facts', async () => {
    const [facts] = await assignBoth();
    const { datasetDigest } = await agreement();
    expect(facts).toEqual({ datasetDigest, classes: 4, totalSteps: 32, stepsPerEpoch: 16, initialFile: '' });
    await until(teacher, 'resting', ({ nextStep }) => nextStep === TOTAL_STEPS);
    await until(student, 'resting', ({ nextStep }) => nextStep === TOTAL_STEPS);
    expect(await student.get()).toMatchObject({ next: { ...attempt, step: TOTAL_STEPS }, limit: TOTAL_STEPS });
  });

  test('end with the same state whether they paused, resumed from a checkpoint, or did neither', async () => {
    await assignBoth();
    const ends = async (of = attempt) =>
      [await checkpointAt(teacher, TOTAL_STEPS, of), await checkpointAt(student, TOTAL_STEPS, of)].map(contentOf);
    const undisturbed = await ends();

    const second = { ...attempt, attempt: 2 };
    await assignBoth({ of: second, limit: 10 });
    const rested = {
      teacher: await checkpointAt(teacher, 10, second),
      student: await checkpointAt(student, 10, second),
    };
    await Promise.all([teacher.setLimit(second, TOTAL_STEPS), student.setLimit(second, TOTAL_STEPS)]);
    expect(await ends(second)).toEqual(undisturbed);

    const third = { ...attempt, attempt: 3 };
    await teacher.assign(assignment({ of: third, sources: { student: student.address }, resume: rested.teacher }));
    await student.assign(assignment({ of: third, sources: { teacher: teacher.address }, resume: rested.student }));
    expect(await ends(third)).toEqual(undisturbed);
  });

  test('consume frames of the anchor from generation 1 on', async () => {
    const anchor = await open(openAnchorServer(store));
    const of = { ...attempt, stage: 1 };
    const params = await saveParams(store, blobsFolder(attempt), paramsOf(3));
    await anchor.load({ ...of, step: 0 }, params);
    const silent = await endOfStage0();
    await assignBoth({ of, sources: { anchor: anchor.address } });
    const heard = await checkpointAt(student, TOTAL_STEPS, of);
    expect(heard.state.sha256).not.toBe(silent.state.sha256);
  });

  const endOfStage0 = async () => {
    await assignBoth();
    return checkpointAt(student, TOTAL_STEPS);
  };
});

describe('an assignment', () => {
  test('is idempotent', async () => {
    await assignBoth({ limit: 4 });
    await until(student, 'resting');
    const again = await student.assign(assignment({ limit: 4, sources: { teacher: teacher.address } }));
    expect(again.totalSteps).toBe(TOTAL_STEPS);
    expect((await student.get()).next).toMatchObject({ attempt: 1, step: 4 });
  });

  test('of a newer attempt ends the one before, and its watchers get the reason', async () => {
    await assignBoth({ limit: 4 });
    await until(student, 'resting');
    const watching = (async () => {
      for await (const _event of student.events(attempt, 99)) throw new Error('there is no such event');
    })();
    const refused = expect(watching).rejects.toMatchObject({
      kind: 'out-of-step',
      message: 'the student: run r stage 0 attempt 1 was superseded by run r stage 0 attempt 2',
    });
    await student.get();
    await student.assign(assignment({ of: { ...attempt, attempt: 2 }, limit: 0 }));
    await refused;
  });

  test('of an older attempt, or of an earlier term, is rejected while the current one is watched', async () => {
    const of = { ...attempt, attempt: 2 };
    await student.assign(assignment({ of, term: 2, limit: 0 }));
    const watched = student.events(of);
    await watched.next();
    await expect(student.assign(assignment({ term: 2 }))).rejects.toMatchObject({ kind: 'out-of-step' });
    await expect(student.assign(assignment({ of: { ...attempt, attempt: 3 }, term: 1 }))).rejects.toMatchObject({
      kind: 'out-of-step',
      message: 'the student: run r stage 0 attempt 3 is ordered in term 1, another orchestrator leads in term 2',
    });
    await expect(student.setLimit(attempt, 9)).rejects.toMatchObject({
      kind: 'out-of-step',
      message: 'the student: serving run r stage 0 attempt 2, asked for run r stage 0 attempt 1',
    });
    await watched.return();
  });

  test('of no term is rejected', async () => {
    await expect(student.assign(assignment({ term: 0 }))).rejects.toMatchObject({ kind: 'invalid' });
  });

  test('with a spec with two mistakes is rejected with both', async () => {
    const request = { ...assignment(), spec: JSON.stringify({ name: 'R', data: { kind: 'synthetic' }, epochs: 0 }) };
    await expect(student.assign(request)).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringMatching(/lower-case[\s\S]*epochs/),
    });
  });

  test('with a checkpoint that is not in the store is rejected, and the next one accepted', async () => {
    const sha256 = '0'.repeat(64);
    const state = { key: `${blobsFolder(attempt)}${sha256}.safetensors`, sha256, bytes: 9 };
    await expect(student.assign(assignment({ resume: { step: 4, state } }))).rejects.toMatchObject({
      kind: 'corrupt',
    });
    await student.assign(assignment({ of: { ...attempt, attempt: 2 }, limit: 0 }));
    expect((await student.get()).next).toMatchObject({ attempt: 2, step: 0 });
  });

  test('whose limit allows no step gets the step that it would start at', async () => {
    await student.assign(assignment({ limit: 0 }));
    expect((await until(student, 'resting')).nextStep).toBe(0);
  });
});

describe('a limit', () => {
  test('before a step that has started is rejected with both numbers', async () => {
    await assignBoth({ limit: 6 });
    await until(student, 'resting');
    await expect(student.setLimit(attempt, 5)).rejects.toMatchObject({
      kind: 'wrong-state',
      message: 'the student: cannot rest before step 5: the first step that has not started is 6',
    });
    expect(await student.setLimit(attempt, 8)).toEqual({ nextStep: 7 });
  });
});

describe('a requested checkpoint', () => {
  test('is saved by both at its step while they train on, and by neither at a step that may have started', async () => {
    await assignBoth({ limit: 6 });
    await Promise.all([until(teacher, 'resting'), until(student, 'resting')]);
    await expect(student.saveAt(attempt, 5)).rejects.toMatchObject({
      kind: 'wrong-state',
      message: 'the student: cannot save at step 5: the first step that has not started is 6',
    });
    await expect(student.saveAt({ ...attempt, attempt: 2 }, 20)).rejects.toMatchObject({ kind: 'out-of-step' });
    for (const trainer of [teacher, student, student]) {
      expect(await trainer.saveAt(attempt, 20)).toEqual({ nextStep: 6 });
    }
    await Promise.all([teacher.setLimit(attempt, TOTAL_STEPS), student.setLimit(attempt, TOTAL_STEPS)]);
    for (const trainer of [teacher, student]) {
      await until(trainer, 'resting', ({ nextStep }) => nextStep === TOTAL_STEPS);
      expect(await stepsSaved(trainer)).toEqual([6, 20, TOTAL_STEPS]);
    }
  });

  const stepsSaved = async (trainer: TrainerUnderTest) => {
    const steps: number[] = [];
    for await (const response of trainer.events(attempt)) {
      const event = toTrainerEvent(response);
      if (event.kind === 'checkpoint') steps.push(event.checkpoint.step);
      if (event.kind === 'resting' && event.nextStep === TOTAL_STEPS) break;
    }
    return steps;
  };
});

describe('events', () => {
  test('are replayed from the requested number', async () => {
    await assignBoth({ limit: 4 });
    await until(student, 'resting');
    const all: number[] = [];
    const left = new AbortController();
    const collect = async () => {
      for await (const response of student.events(attempt, 0, left.signal)) {
        all.push(response.number);
        if (response.event?.$case === 'resting') return;
      }
    };
    await collect();
    for await (const response of student.events(attempt, all.at(-1))) {
      expect(response.number).toBe(all.at(-1));
      expect(toTrainerEvent(response)).toEqual({ kind: 'resting', nextStep: 4 });
      break;
    }
  });

  test('of an unknown attempt are refused', async () => {
    await expect(until(student, 'resting')).rejects.toMatchObject({
      kind: 'out-of-step',
      message: 'the student: serving nothing, asked for run r stage 0 attempt 1',
    });
  });
});

describe('a failure', () => {
  test('ends the attempt on both sides, by name, and the processes take the next one', async () => {
    const broken = await open(openTrainer('teacher', store, numberTrainer(3)));
    await broken.assign(assignment({ sources: { student: student.address } }));
    await student.assign(assignment({ sources: { teacher: broken.address } }));
    await expect(until(broken, 'resting')).rejects.toThrow('broken at step 3');
    await expect(until(student, 'resting')).rejects.toThrow(`the teacher at ${broken.address}: the teacher gave up`);
    const of = { ...attempt, attempt: 2 };
    await assignBoth({ of });
    await until(student, 'resting', ({ nextStep }) => nextStep === TOTAL_STEPS, of);
  });
});

describe('the exchange of a trainer', () => {
  /** A second consumer beside the real peer. */
  const ear = async (of = attempt, datasetDigest?: string) => {
    const mine = await agreement();
    const shared = datasetDigest === undefined ? mine : { ...mine, datasetDigest };
    return listenTo(teacher.address, { consumer: 'anchor', from: { ...of, step: 0 }, agreement: shared });
  };

  test('keeps a peer waiting for a later attempt, and refuses it when none comes', async () => {
    const early = await ear();
    const first = early.next();
    await assignBoth({ limit: 1 });
    expect((await first).value?.position).toEqual({ ...attempt, step: 0 });
    await early.return();
    const tooEarly = await ear({ ...attempt, attempt: 7 });
    await expect(tooEarly.next()).rejects.toMatchObject({
      kind: 'out-of-step',
      message: `the teacher at ${teacher.address}: waited 0.3 s for run r stage 0 attempt 7, which is not served`,
    });
  });

  test('rejects a peer of an earlier attempt at once', async () => {
    await teacher.assign(assignment({ of: { ...attempt, attempt: 2 }, limit: 0 }));
    const zombie = await ear();
    await expect(zombie.next()).rejects.toMatchObject({
      kind: 'out-of-step',
      message: `the teacher at ${teacher.address}: run r stage 0 attempt 1 is not served`,
    });
  });

  test('rejects a peer with other images, and tells no digest', async () => {
    await teacher.assign(assignment({ limit: 0 }));
    const other = await ear(attempt, 'xx');
    await expect(other.next()).rejects.toMatchObject({
      kind: 'out-of-step',
      message: `the teacher at ${teacher.address}: the anchor has another dataset digest`,
      details: { code: 'FAILED_PRECONDITION' },
    });
  });

  test('rejects a consumer without the secret of the attempt, and the peer goes on', async () => {
    await assignBoth({ limit: 4 });
    const thief = listenTo(teacher.address, {
      consumer: 'student',
      from: { ...attempt, step: 0 },
      agreement: await agreement(),
      secret: 'cd'.repeat(32),
    });
    await expect(thief.next()).rejects.toMatchObject({
      message: `the teacher at ${teacher.address}: the student does not have the secret of this attempt`,
      details: { code: 'PERMISSION_DENIED' },
    });
    await student.setLimit(attempt, TOTAL_STEPS);
    await teacher.setLimit(attempt, TOTAL_STEPS);
    await until(student, 'resting', ({ nextStep }) => nextStep === TOTAL_STEPS);
  });
});
