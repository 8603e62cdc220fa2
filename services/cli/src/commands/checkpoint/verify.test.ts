import { encodeManifest, manifestKey } from '@trikd/core/checkpoint/manifest';
import { TrikdError } from '@trikd/core/domain/errors';
import { pointerKey } from '@trikd/core/run/stored/anchor-pointer';
import { beforeEach, describe, expect, test } from 'vitest';
import { fit, fits, type StoredRun, storedRun } from './testing/stored-run.js';
import { type ExpectedOf, type Verdict, verdictText, verified } from './verify.js';

let run: StoredRun;
beforeEach(async () => {
  run = await storedRun();
});

const verifiedNow = (...wanted: readonly string[]) => verified(run, wanted, fits, () => undefined);
const problems = ({ problems: found }: Verdict) => found.map(({ neededBy, problem }) => [neededBy.join(), problem]);

describe('without checkpoints that are wanted', () => {
  test('everything that the state names is read: checkpoints, results, the anchor, its pointer', async () => {
    const reported: string[] = [];
    const verdict = await verified(run, [], fits, (done, all) => reported.push(`${done}/${all}`));
    expect(verdict).toMatchObject({ checkpoints: 3, blobs: 10, problems: [] });
    expect(reported).toEqual(Array.from({ length: 11 }, (_, done) => `${done}/10`));
  });

  test('a damaged blob is reported once, with everything that needs it', async () => {
    const { params } = run.manifests.last.learners['student']!.best!;
    await run.store.put(params.key, new Uint8Array(params.bytes));
    expect(problems(await verifiedNow())).toEqual([
      [
        'checkpoint 0/8-2,the result of generation 0,the anchor,the anchor pointer',
        expect.stringContaining(`blob ${params.key}: expected SHA-256 ${params.sha256}, found `),
      ],
    ]);
  });

  test('nothing is wrong when only an orphan is', async () => {
    await run.store.remove(run.manifests.lost.learners['student']!.state.key);
    await run.store.put(manifestKey({ ...run.manifests.lost, step: 9 }), Buffer.from('{'));
    expect(problems(await verifiedNow())).toEqual([]);
    expect(problems(await verifiedNow('1/8-1'))).toHaveLength(1);
  });

  test('missing, damaged and foreign manifests, and a damaged pointer, are reported', async () => {
    const { newest, earlier, last } = run.manifests;
    await run.store.remove(manifestKey(earlier));
    await run.store.put(manifestKey(newest), encodeManifest({ ...newest, frozen: { anchor: 'e'.repeat(64) } }));
    await run.store.put(manifestKey(last), Buffer.from('{'));
    await run.store.put(pointerKey('r'), Buffer.from('{'));
    expect(problems(await verifiedNow())).toEqual([
      [
        'checkpoint 1/8-2',
        expect.stringContaining(`has anchor ${'e'.repeat(64)}, expected ${newest.frozen['anchor']}`),
      ],
      ['checkpoint 1/4-1', `the manifest ${manifestKey(earlier)} is gone`],
      ['checkpoint 0/8-2', expect.stringContaining(`manifest ${manifestKey(last)} of 1 bytes is not JSON`)],
      ['the anchor', expect.stringContaining(`${pointerKey('r')} of 1 bytes is not JSON`)],
    ]);
  });
});

test('params that do not fit the models of the spec are reported, unless the models are unknown', async () => {
  const other = new Map<string, { dtype: 'float32'; shape: readonly number[] }>([
    ...fit,
    ['dense/bias', { dtype: 'float32', shape: [1] }],
  ]);
  const wide: ExpectedOf = (stage, name) => (name === 'teacher' ? { state: other, best: other } : fits(stage, name));
  const verdict = await verified(run, ['1/8'], wide, () => undefined);
  expect(problems(verdict)).toEqual([
    ['checkpoint 1/8-2', 'params of the teacher do not fit the model: 1 missing (dense/bias)'],
  ]);
  const blind = await verified(run, ['1/8'], 'the data are not here', () => undefined);
  expect(blind).toMatchObject({ problems: [], notCompared: 'the data are not here' });
});

test('trouble with the store is no property of a checkpoint', async () => {
  const trouble = new TrikdError('unavailable', 'the store does not answer');
  const away = { ...run, store: { ...run.store, size: () => Promise.reject(trouble) } };
  await expect(verified(away, [], fits, () => undefined)).rejects.toBe(trouble);
});

test('a verdict is a line for each problem, which names the key once, and one that counts', () => {
  const verdict = { checkpoints: 2, blobs: 8, bytes: 66_096 };
  expect(verdictText({ ...verdict, problems: [] })).toBe('verified 2 checkpoints, 8 blobs of 66.1 kB: no problems');
  const neededBy = ['checkpoint 1/8-2', 'the anchor'];
  const found = [
    { key: 'a', neededBy, problem: 'blob a: it is gone' },
    { key: 'b', neededBy: ['the anchor'], problem: 'no fit' },
  ];
  expect(verdictText({ ...verdict, problems: found, notCompared: 'no data' }).split('\n')).toEqual([
    'blob a: it is gone (needed by checkpoint 1/8-2, the anchor)',
    'b: no fit (needed by the anchor)',
    'not compared with the models of the spec: no data',
    'verified 2 checkpoints, 8 blobs of 66.1 kB: 2 problems',
  ]);
});
