import { RunPhase } from '@trikd/protocol/gen/node/trikd/v1/run';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { afterEach, describe, expect, test } from 'vitest';
import { bestOf, cleanUp, heldUntilLimited, lastRun, loaded, resultOf, serve, trio } from './orchestrator-rig.js';

afterEach(cleanUp);

const model = { kind: 'plain-cnn', channels: [4] };
const common = {
  data: { kind: 'synthetic' },
  epochs: 8,
  evaluation: { everyEpochs: 2 },
  checkpoint: { everyEpochs: 2 },
};
const source = { ...common, name: 'source', method: 'ce', student: { model } };
const [first, second] = ['1'.repeat(64), '2'.repeat(64)];

describe('a run with params of another run', () => {
  test('has the best ones of a frozen teacher, and the last ones of a student that starts from them', async () => {
    const store = memoryStore();
    const models = await trio(store, { accuracyAt: (_role, _stage, step) => 0.6 - 0.01 * step });
    const { create, watch } = await serve(store, models);
    await create(source);
    const before = lastRun(await watch('source'));
    const student = { model, init: { run: 'source', at: 'last' } };
    await create({ ...common, name: 'trial', method: 'kd', student, teacher: { model, from: { run: 'source' } } });
    expect(lastRun(await watch('trial'))).toMatchObject({ phase: RunPhase.RUN_PHASE_COMPLETED, stageCount: 1 });
    expect(models.anchor.requests.map(loaded)).toEqual([{ teacher: bestOf(before, 0, 'student')?.params?.sha256 }]);
    expect(models.student.requests.map(({ init }) => init?.sha256)).toEqual([
      undefined,
      before?.stages[0]?.learners[0]?.stateSha256,
    ]);
  });

  test.each([
    ['is not there', { run: 'absent' }, { model }, 'run absent, best: the store has no such run'],
    ['has no such stage', { run: 'source', stage: 'early' }, { model }, 'there are only the stages student'],
    ['has no such learner', { run: 'source', participant: 'teacher' }, { model }, 'has only the learners student'],
    ['has another network', { run: 'source' }, { model: { ...model, channels: [8] } }, 'has another network'],
  ])('fails with what is wrong when it %s', async (_what, from, network, problem) => {
    const store = memoryStore();
    const { create, watch } = await serve(store, await trio(store));
    await create(source);
    await watch('source');
    await create({ ...common, name: 'trial', method: 'kd', student: { model }, teacher: { ...network, from } });
    expect(lastRun(await watch('trial'))).toMatchObject({
      phase: RunPhase.RUN_PHASE_FAILED,
      failure: expect.stringContaining(problem),
    });
  });
});

describe('a run with a teacher from a file', () => {
  const spec = {
    ...{ ...common, name: 'trial', method: 'kd', student: { model } },
    teacher: { model, from: { file: '/models/teacher.safetensors' } },
  };
  const allowed = { dataPaths: 'allowed' };

  /** A run that an orchestrator has left in the middle, and the next one goes on with. */
  async function continued(digestAgain: string) {
    const store = memoryStore();
    const { gate, limited, reached } = heldUntilLimited(0, 5, 1);
    const filesAt = (role: string, { attempt }: { readonly attempt: number }) =>
      role === 'anchor' ? { teacher: attempt === 1 ? first : digestAgain } : {};
    const models = await trio(store, { gate, limited, filesAt });
    const begun = await serve(store, models, undefined, undefined, {}, {}, undefined, allowed);
    await begun.create(spec);
    await reached;
    await begun.stop();
    const next = await serve(store, models, undefined, undefined, {}, {}, undefined, allowed);
    await next.create(spec);
    return lastRun(await next.watch('trial'));
  }

  test('goes on with the same file, to the same end', async () => {
    const store = memoryStore();
    const models = await trio(store, { filesAt: (role) => (role === 'anchor' ? { teacher: first } : {}) });
    const { create, watch } = await serve(store, models, undefined, undefined, {}, {}, undefined, allowed);
    await create(spec);
    const undisturbed = lastRun(await watch('trial'));
    expect(undisturbed).toMatchObject({ phase: RunPhase.RUN_PHASE_COMPLETED });
    expect(resultOf(await continued(first))).toEqual(resultOf(undisturbed));
  });

  test('does not go on with other content, and says which file it was', async () => {
    expect(await continued(second)).toMatchObject({
      phase: RunPhase.RUN_PHASE_FAILED,
      failure: expect.stringContaining(
        `file /models/teacher.safetensors has SHA-256 ${second}, but the run was trained with ${first}`,
      ),
    });
  });
});
