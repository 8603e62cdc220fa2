import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { ProfileOptions } from '../../services/cli/src/commands/profile/command.js';
import { profileRun } from '../../services/cli/src/commands/profile/profile.js';

const folder = mkdtempSync(join(tmpdir(), 'trikd-profile-'));
const out = join(folder, 'trace.json');
afterAll(() => rmSync(folder, { recursive: true }));

const profile = (changes: Partial<ProfileOptions>) => {
  const file = 'examples/tiny.yaml';
  const options = { file, overrides: [], participants: [], steps: 2, together: false, format: 'json', out } as const;
  return profileRun({ ...options, ...changes }, {}, () => undefined);
};

/** The ops in the trace, by participant. */
function tracedTypes() {
  const { traceEvents } = JSON.parse(readFileSync(out, 'utf8')) as {
    traceEvents: readonly { ph: string; name: string; pid: number; dur: number; args: { name: string } }[];
  };
  const processes = traceEvents.filter(({ name }) => name === 'process_name');
  return processes.map(({ pid, args }) => ({
    name: args.name,
    types: new Set(traceEvents.filter((event) => event.ph === 'X' && event.pid === pid).map(({ name }) => name)),
  }));
}

describe.each([false, true])('a profile of a trio, together: %s', (together) => {
  test('has the convolutions of all participants, and the passes that each has', async () => {
    const { stage, participants } = JSON.parse(await profile({ together }));
    expect(stage).toBe('generation-1');
    const passes = Object.fromEntries(
      participants.map(({ name, convolutions }: { name: string; convolutions: { pass: string; gflops: number }[] }) => {
        expect(Math.min(...convolutions.map(({ gflops }) => gflops))).toBeGreaterThan(0);
        return [name, new Set(convolutions.map(({ pass }) => pass))];
      }),
    );
    const all = new Set(['forward', 'input gradient', 'filter gradient']);
    expect(passes).toEqual({ student: all, teacher: all, anchor: new Set(['forward']) });
    const traced = tracedTypes();
    expect(traced.map(({ name }) => name)).toEqual(participants.map(({ name }: { name: string }) => name));
    for (const { types } of traced) expect([...types].join()).toMatch(/Conv2D/);
  });
});

test('a profile of a run whose frames are compact takes steps as the run does', async () => {
  const overrides = [
    { path: ['exchange', 'precision'], value: 'float16' },
    { path: ['exchange', 'topK'], value: '1' },
  ];
  const { participants } = JSON.parse(await profile({ participants: ['student'], overrides }));
  expect(participants[0].ms).toBeGreaterThan(0);
});

test('a profile of one participant has no other one, and counts its replicas as one', async () => {
  const overrides = [{ path: ['student', 'replicas'], value: '2' }];
  expect(await profile({ participants: ['student'], overrides, format: 'table' })).toMatch(
    /^student: [\d.]+ ms a step[\s\S]*filter gradient[\s\S]*ui\.perfetto\.dev$/,
  );
  expect(tracedTypes().map(({ name }) => name)).toEqual(['student']);
});

test.each([
  [{ stage: 'generation-9' }, /has no stage generation-9; it has generation-0, generation-1/],
  [
    { participants: ['master'] },
    /computes no master here; it computes teacher, student, anchor|student, teacher, anchor/,
  ],
  [{ out: join(folder, 'missing', 'trace.json') }, /cannot write .*missing/],
])('a mistake is named: %j', async (changes, message) => {
  await expect(profile(changes)).rejects.toMatchObject({ kind: 'invalid', message: expect.stringMatching(message) });
});
