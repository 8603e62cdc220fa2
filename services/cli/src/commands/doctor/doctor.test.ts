import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdmissionLimits } from '@trikd/core/spec/admission';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { afterAll, describe, expect, test } from 'vitest';
import { clockFinding, nodeFinding, serviceFindings, specFinding, storeFinding } from './doctor.js';

describe('checks', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trikd-doctor-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  describe('the doctor', () => {
    test.each([
      ['20.19.0', 'failed'],
      ['22.14.9', 'failed'],
      ['22.15.0', 'ok'],
      ['24.0.0', 'ok'],
    ])('finds Node.js %s %s', (version, verdict) => {
      expect(nodeFinding(version)).toMatchObject({ verdict });
    });

    test('finds a store of which one writer wins, and leaves nothing in it', async () => {
      expect(await storeFinding({ kind: 'folder', path: folder }, 'mine')).toMatchObject({ verdict: 'ok' });
      expect(readdirSync(folder, { recursive: true }).filter((name) => `${name}`.includes('mine'))).toEqual([]);
    });

    test('says what keeps a store from being opened', async () => {
      expect(await storeFinding({ kind: 'folder', path: '/dev/null/store' }, 'mine')).toMatchObject({
        verdict: 'failed',
      });
    });

    test('ignores an unreachable service that no setting names', async () => {
      const address = 'unix:/missing/socket';
      const [named] = await serviceFindings({ name: 'orchestrator', address, named: true });
      const [unnamed] = await serviceFindings({ name: 'orchestrator', address, named: false });
      expect([named?.verdict, unnamed?.verdict]).toEqual(['failed', 'skipped']);
    });

    test('minds clocks that differ by seconds', () => {
      expect(clockFinding('orchestrator', -1500).verdict).toBe('ok');
      expect(clockFinding('orchestrator', 3000)).toMatchObject({
        ...{ verdict: 'warning', text: expect.stringMatching(/^3\.0 s ahead of this machine/) },
      });
    });
  });
});

describe('spec finding', () => {
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
});
