import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdmissionLimits } from '@trikd/core/spec/admission-limits';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { afterAll, expect, test } from 'vitest';
import { specFinding } from './spec-finding.js';

const folder = mkdtempSync(join(tmpdir(), 'trikd-doctor-spec-'));
afterAll(() => rmSync(folder, { recursive: true }));

function found(spec: object, limits: object = {}) {
  const file = join(folder, 'run.yaml');
  writeFileSync(file, JSON.stringify(spec));
  return specFinding(file, AdmissionLimits.parse(limits));
}

test('the doctor says what a run within the limits needs', () => {
  expect(found(writtenSpec('bare'))).toEqual({
    check: 'spec',
    verdict: 'ok',
    text: 'run trial: student 1080 params, teacher 1080 params; 2048 bytes a frame, 384 images',
  });
});

test('the doctor does not read the files of a run', () => {
  expect(found(writtenSpec('bare', { data: { kind: 'idx' } })).text).toMatch(
    /student at least \d+ params.*at least 5000 images$/,
  );
});

test('the doctor names every limit that a run is above', () => {
  expect(found(writtenSpec('bare'), { params: 1000, datasetImages: 383 })).toMatchObject({
    verdict: 'failed',
    text: expect.stringMatching(
      /384 images, limit admission\.datasetImages: 383\n.*1080 params, limit admission\.params: 1000/,
    ),
  });
});

test('the doctor names the mistakes of a file that is no spec', () => {
  expect(found({ name: 'x' })).toMatchObject({ verdict: 'failed', text: expect.stringMatching(/has \d mistakes/) });
});
