import { readPointer } from '@trikd/core/run/stored/anchor-pointer';
import { RunPhase } from '@trikd/protocol/gen/node/trikd/v1/run';
import type { AssignRequest } from '@trikd/protocol/gen/node/trikd/v1/trainer';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { afterEach, describe, expect, test } from 'vitest';
import { bestOf, cleanUp, heldUntilLimited, lastRun, loaded, resultOf, serve, trio } from './orchestrator-rig.js';

afterEach(cleanUp);

const model = { kind: 'plain-cnn', channels: [4] };
const common = {
  name: 'trial',
  data: { kind: 'synthetic' },
  epochs: 8,
  evaluation: { everyEpochs: 2 },
  checkpoint: { everyEpochs: 2 },
};
const sourcesOf = ({ sources }: AssignRequest) => sources.map(({ participant, address }) => [participant, address]);

describe('the orchestrator', () => {
  test('runs the two stages of kd, each with the trainer that it needs, and promotes nothing', async () => {
    const store = memoryStore();
    const models = await trio(store);
    const { create, watch } = await serve(store, models);
    await create({ ...common, method: 'kd', student: { model }, teacher: { model } });
    const run = lastRun(await watch('trial'));
    expect(run).toMatchObject({
      phase: RunPhase.RUN_PHASE_COMPLETED,
      stageCount: 2,
      stages: [
        { stageName: 'teacher', learners: [{ participant: 'teacher' }], frozen: [], promoted: false, candidate: '' },
        { stageName: 'student', learners: [{ participant: 'student' }], frozen: [{ participant: 'teacher' }] },
      ],
    });
    expect(models.teacher.requests.map(sourcesOf)).toEqual([[]]);
    expect(models.student.requests.map(sourcesOf)).toEqual([[['teacher', models.anchor.address]]]);
    expect(models.anchor.requests.map(loaded)).toEqual([{ teacher: bestOf(run, 0, 'teacher')?.params?.sha256 }]);
    expect(await readPointer(store, 'trial')).toBeUndefined();
  });

  const written = {
    ...common,
    stages: [
      { name: 'early', learners: { scout: { model, slot: 'teacher' } } },
      {
        name: 'late',
        epochs: 16,
        learners: {
          student: {
            model,
            init: { stage: 'early', participant: 'scout', at: 'last' },
            objective: ['first', 'last', 'other'].map((from) => ({ kind: 'distillation', from })),
          },
          other: { model },
        },
        frozen: {
          first: { stage: 'early', participant: 'scout' },
          last: { stage: 'early', participant: 'scout', at: 'last' },
        },
      },
    ],
  };
  /** The best params of a stage are not its last ones. */
  const accuracyAt = (_role: string, _stage: number, step: number) => 0.6 - 0.01 * step;

  test('gives a written-out stage the params of the earlier one that it names, the best and the last', async () => {
    const store = memoryStore();
    const models = await trio(store, { accuracyAt });
    const { create, watch } = await serve(store, models);
    await create(written);
    const run = lastRun(await watch('trial'));
    expect(run?.stages.map(({ steps }) => steps)).toEqual([8, 16]);
    const state = run?.stages[0]?.learners[0]?.stateSha256;
    const best = bestOf(run, 0, 'scout')?.params?.sha256;
    expect(models.anchor.requests.map(loaded)).toEqual([{ first: best, last: state }]);
    expect(models.student.requests.map(({ init }) => init?.sha256)).toEqual([state]);
    expect(models.student.requests.map(sourcesOf)).toEqual([
      [
        ['first', models.anchor.address],
        ['last', models.anchor.address],
        ['other', models.teacher.address],
      ],
    ]);
  });

  test('resumes a stage from its pair instead of the params that it began with', async () => {
    const calm = memoryStore();
    const undisturbed = await serve(calm, await trio(calm, { accuracyAt }));
    await undisturbed.create(written);
    const expected = lastRun(await undisturbed.watch('trial'));

    const store = memoryStore();
    const { gate, limited, reached } = heldUntilLimited(1, 9);
    const models = await trio(store, { accuracyAt, gate, limited });
    const first = await serve(store, models);
    await first.create(written);
    await reached;
    await first.stop();
    const second = await serve(store, models);
    await second.create(written);
    expect(resultOf(lastRun(await second.watch('trial')))).toEqual(resultOf(expected));
    const [, again] = models.student.requests;
    expect(again).toMatchObject({ init: undefined, resume: { step: 11 } });
  });
});
