import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { casesOf } from './cases.js';
import { type Ended, run, scratch, trikd } from './trikd.js';

const tiny = writtenSpec('two stages');

/** A checkpoint as `list -o json` and `show -o json` print it. */
interface Printed {
  readonly name: string;
  readonly key: string;
  readonly marks: readonly string[];
  readonly blobs: readonly { readonly what: string; readonly key: string; readonly problem?: string }[];
}

const original = mkdtempSync(join(tmpdir(), 'trikd-e2e-'));
afterAll(() => rmSync(original, { recursive: true, force: true }));
beforeAll(async () => {
  expect(await run(original, tiny)).toMatchObject({ status: 0 });
});

const checkpoint = (folder: string, ...args: readonly string[]): Promise<Ended> =>
  trikd(['checkpoint', ...args, '--store', join(folder, 'runs')]).ended;

describe('a run that has completed', () => {
  test('lists the checkpoint that each stage ended with, and what became of its student', async () => {
    const { status, stdout, stderr } = await checkpoint(original, 'list', 'tiny');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^run tiny: completed, generation 1, attempt 1\n/);
    expect(stdout).toMatch(/│ +0\/24-1 │ live +│ +\d+ \w+ │ [\d. ]+ kB │ [\d. ]+ % │ [\d. ]+ % │ promoted, anchor.* │/);
    expect(stdout).toMatch(/│ +1\/24-1 │ live /);
    const yaml = await checkpoint(original, 'list', 'tiny', '-o', 'yaml');
    const json = await checkpoint(original, 'list', 'tiny', '-o', 'json');
    expect(parse(yaml.stdout)).toEqual(JSON.parse(json.stdout));
    const best: readonly Printed[] = JSON.parse(json.stdout).checkpoints.filter(({ marks }: Printed) =>
      marks.includes('best'),
    );
    expect(best).toHaveLength(1);
  });

  test('shows one, with the tensors of its blobs', async () => {
    const { status, stdout, stderr } = await checkpoint(original, 'show', 'tiny', '0/24');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^checkpoint 0\/24-1 of run tiny \(live, promoted, anchor/);
    expect(stdout).toMatch(/^numerics +teacher, student: TensorFlow 2\.\d+\.\d+, .*, \d threads, float32$/m);
    expect(stdout).toMatch(/│ conv0\/kernel\/momentum +│ float32\[3,3,1,4\] +│ +144 │/);
    expect(stdout.match(/^\d+ tensors, \d+ numbers, \d+ bytes of data$/gm)).toHaveLength(4);
  });

  test('verifies, models of the spec included', async () => {
    expect(await checkpoint(original, 'verify', 'tiny')).toMatchObject({
      ...{ status: 0, stderr: '' },
      stdout: expect.stringMatching(/^verified 2 checkpoints, \d blobs of [\d.]+ kB: no problems\n$/),
    });
  });

  test('refuses another run or checkpoint with those that exist', async () => {
    expect(await checkpoint(original, 'list', 'tinny')).toMatchObject({
      ...{ status: 3, stdout: '' },
      stderr: `trikd: there is no run tinny in ${join(original, 'runs')}; it has tiny\n`,
    });
    expect(await checkpoint(original, 'show', 'tiny', '1/23')).toMatchObject({
      ...{ status: 3, stdout: '', stderr: 'trikd: run tiny has no checkpoint 1/23; it has 1/24-1, 0/24-1\n' },
    });
  });
});

test('an evaluation prints its table and nothing of TensorFlow', async () => {
  const evaluated = await trikd(['eval', 'tiny', '--store', join(original, 'runs')]).ended;
  expect(evaluated).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/(the same.*\n.*){4}/) });
  const wrong = await trikd(['eval', 'tiny', '7/7', '--store', join(original, 'runs')]).ended;
  expect(wrong).toMatchObject({
    status: 3,
    stdout: '',
    stderr: expect.stringMatching(/^trikd: run tiny has no .*\n$/),
  });
});

describe('of a store that was damaged', () => {
  const damages: Readonly<Record<string, readonly [damage: (path: string) => void, message: RegExp]>> = {
    'a flipped bit': [
      (path) => {
        const bytes = readFileSync(path);
        bytes[bytes.length >> 1]! ^= 1;
        writeFileSync(path, bytes);
      },
      /: expected SHA-256 [0-9a-f]{64}, found [0-9a-f]{64} \(/,
    ],
    'a cut end': [(path) => truncateSync(path, 1000), /: expected \d+ bytes, found 1000 \(/],
    'a lost file': [(path) => rmSync(path), /: it is gone \(/],
  };

  // packages/core/src/checkpoint/damage.test.ts has all kinds.
  for (const name of casesOf(['a flipped bit'], ['a cut end', 'a lost file'])) {
    const [damage, message] = damages[name]!;
    test(`every damaged blob is found, with what needs it: ${name}`, async () => {
      const folder = scratch();
      cpSync(original, folder, { recursive: true });
      const shown: Printed = JSON.parse((await checkpoint(folder, 'show', 'tiny', '0/24', '-o', 'json')).stdout);
      for (const { key } of shown.blobs) damage(join(folder, 'runs/tiny/store', key));
      const { status, stdout } = await checkpoint(folder, 'verify', 'tiny');
      const lines = stdout.trimEnd().split('\n');
      expect(lines).toHaveLength(5);
      for (const [index, { key }] of shown.blobs.entries()) {
        expect(lines[index]).toContain(`blob ${key}`);
        expect(lines[index]).toMatch(message);
        expect(lines[index]).toContain('needed by checkpoint 0/24-1');
      }
      expect(lines[4]).toMatch(/: 4 problems$/);
      expect(status).toBe(1);
      expect(await checkpoint(folder, 'verify', 'tiny', '1/24')).toMatchObject({ status: 0 });
      expect(await checkpoint(folder, 'show', 'tiny', '0/24')).toMatchObject({
        ...{ status: 1, stdout: expect.stringContaining('DAMAGED: blob ') },
      });
    });
  }

  test('a damaged manifest is found, and named instead of shown', async () => {
    const folder = scratch();
    cpSync(original, folder, { recursive: true });
    const listed = JSON.parse((await checkpoint(folder, 'list', 'tiny', '-o', 'json')).stdout);
    const { key }: Printed = listed.checkpoints[0];
    damages['a flipped bit']?.[0](join(folder, 'runs/tiny/store', key));
    expect((await checkpoint(folder, 'list', 'tiny')).stdout).toMatch(/│ +1\/24-1 │ damaged /);
    expect(await checkpoint(folder, 'show', 'tiny', '1/24')).toMatchObject({
      ...{ status: 1, stdout: '', stderr: expect.stringMatching(/^trikd: manifest \S+ of \d+ bytes /) },
    });
    expect(await checkpoint(folder, 'verify', 'tiny')).toMatchObject({
      ...{
        status: 1,
        stdout: expect.stringMatching(/^manifest \S+ of \d+ bytes .* \(needed by checkpoint 1\/24-1\)\n/),
      },
    });
  });
});
