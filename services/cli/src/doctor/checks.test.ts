import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { clockFinding, nodeFinding, serviceFindings, storeFinding } from './checks.js';

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
