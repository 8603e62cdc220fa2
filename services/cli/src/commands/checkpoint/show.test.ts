import { loadParams } from '@trikd/core/checkpoint/blobs';
import { TrikdError } from '@trikd/core/domain/errors';
import { INTEL } from '@trikd/testing/runs/numerics';
import { expect, test } from 'vitest';
import { catalogue } from './catalogue.js';
import { shownText } from './show.js';
import { storedRun } from './testing/stored-run.js';

test('a checkpoint is shown with its position, digests, scores and the tensors of its blobs', async () => {
  const run = await storedRun();
  const entry = (await catalogue(run))[0]!;
  const { newest } = run.manifests;
  const student = newest.learners['student']!;
  const blobs = [
    {
      what: 'state of the student',
      blob: student.state,
      held: await loadParams(run.store, student.state),
    },
    {
      what: 'state of the teacher',
      blob: newest.learners['teacher']!.state,
      held: new TrikdError('corrupt', 'it is gone'),
    },
  ];
  const lines = shownText(run.spec, entry, newest, blobs).split('\n');
  expect(lines.slice(0, 10)).toEqual([
    'checkpoint 1/8-2 of run r (live, resumes here)',
    'position     generation 1, step 8, attempt 2',
    'written      at an unknown time, by orchestrator 1',
    `key          ${entry.key}`,
    `spec         ${newest.specDigest}`,
    `data         ${newest.datasetDigest}`,
    `anchor       ${newest.frozen['anchor']}`,
    'numerics     not recorded',
    'student      best at step 4: validation 50.00 % (NLL 0.5000, 400 images)',
    'teacher      not validated yet',
  ]);
  const { bytes, key } = student.state;
  expect(lines.slice(11, 13)).toEqual([`state of the student: ${bytes} B`, key]);
  expect(lines.find((line) => line.includes('dense/kernel'))).toMatch(/│ dense\/kernel │ float32\[2\] +│ +8 │/);
  expect(lines).toContain('1 tensors, 2 numbers, 8 bytes of data');
  expect(lines.at(-1)).toBe('DAMAGED: it is gone');
});

test.each([
  ['that are alike on one line', { teacher: INTEL, student: INTEL }, ['numerics     teacher, student: TEXT']],
  [
    'that differ on a line each',
    { teacher: INTEL, student: { ...INTEL, device: 'NVIDIA L4' }, anchor: INTEL },
    [
      'numerics     teacher, anchor: TEXT',
      '             student: TensorFlow 2.21.0, NVIDIA L4, GenuineIntel 6 143 (avx2 avx512f), 2 threads, float32',
    ],
  ],
  ['that no process reported as not recorded', undefined, ['numerics     not recorded']],
])('a checkpoint shows numerics %s', async (_how, recorded, expected) => {
  const run = await storedRun();
  const entry = (await catalogue(run))[0]!;
  const manifest = { ...run.manifests.newest, ...(recorded && { numerics: recorded }) };
  const lines = shownText(run.spec, entry, manifest, [])
    .split('\n')
    .slice(7, 7 + expected.length);
  const text = 'TensorFlow 2.21.0, GenuineIntel 6 143 (avx2 avx512f), 2 threads, float32';
  expect(lines).toEqual(expected.map((line) => line.replace('TEXT', text)));
});
