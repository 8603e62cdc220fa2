import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { type HostileInput, hostileFolders, hostileSpecs, type Refusal } from './hostile-inputs.js';
import { scratch } from './trikd.js';

const PROCESS = fileURLToPath(new URL('hostile-input-process.ts', import.meta.url));
const MOST_MILLISECONDS = 1000;
const MOST_MEBIBYTES = 64;

/** Offers input to a process of its own. */
async function refusals(folder: string, inputs: readonly HostileInput[]): Promise<readonly Refusal[]> {
  const list = join(folder, 'inputs.json');
  writeFileSync(list, JSON.stringify(inputs));
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', PROCESS, list]);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line): Refusal => JSON.parse(line));
}

test.each([
  ['spec', hostileSpecs],
  ['folder of data', hostileFolders],
])(
  'each hostile %s is refused by name within a second, without 64 MiB and without a control character',
  async (_kind, inputsIn) => {
    const folder = scratch();
    const inputs = inputsIn(folder);
    const refused = await refusals(folder, inputs);
    expect(refused.map(({ what, message }) => ({ what, message }))).toEqual(
      inputs.map(({ what, sentence }) => ({
        what,
        message: expect.stringMatching(new RegExp(`^TrikdError: .*${sentence}`, 's')),
      })),
    );
    for (const { message } of refused) expect(message).not.toMatch(/(?!\n)\p{Cc}/u);
    const wrong = refused.filter(
      ({ milliseconds, mebibytes }) => milliseconds > MOST_MILLISECONDS || mebibytes > MOST_MEBIBYTES,
    );
    expect(wrong).toEqual([]);
  },
);

test('the measurement sees memory that is allocated and freed again', async () => {
  const ballast = { what: 'ballast', kind: 'ballast', input: `${100 * 1024 ** 2}` } as const;
  const idle = { ...ballast, what: 'idle', input: '0' };
  const [full, empty] = await refusals(scratch(), [ballast, idle]);
  expect(full?.mebibytes).toBeGreaterThan(95);
  expect(empty?.mebibytes).toBeLessThan(5);
});
