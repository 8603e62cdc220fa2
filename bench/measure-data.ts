import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeIdx } from '@trikd/model-host/data/idx-folder';
import { writeShards } from '@trikd/model-host/data/shards/write-shards';
import type { Cell } from './cells.ts';
import type { Finding } from './finding.ts';
import { startLineProcess } from './line-process.ts';
import { IMAGE_BYTES, randomSet } from './random-set.ts';
import { type Contestant, compare, ratio } from './rounds.ts';
import { cellSpec } from './trio-spec.ts';

const GiB = 1024 ** 3;

/** Bytes that the process may allocate which trains on the large set, and how many times as large the set is. */
const MEMORY = 1.5 * GiB;
const TIMES = 4;

/** Images of the set that fits into memory. */
const SMALL = 20_000;

const TEST = 500;

const STUDENT: Cell = { models: 'resnet-20', batch: 128, classes: 100, precision: 'float32' };

/** ResNet-20, alone, on data in files. @param bytes that the process may allocate; undefined: any */
async function stored(name: string, data: object, bytes?: number): Promise<Contestant> {
  const file = fileURLToPath(new URL('one-process.ts', import.meta.url));
  // Of the address space most is reserved by V8 and never used: this limits what is allocated.
  const limit = bytes === undefined ? '' : `ulimit -d ${bytes / 1024} && `;
  const child = startLineProcess('bash', ['-c', `${limit}exec "$0" "$1"`, process.execPath, file]);
  await child.ask(`setup solo ${JSON.stringify({ ...cellSpec(STUDENT), data })}`);
  return {
    name,
    async step(count) {
      const { ms, allocated } = (await child.ask(`step ${count}`)) as { ms: number[]; allocated: number };
      if (bytes !== undefined && allocated > bytes) throw new Error(`${name} has ${allocated} bytes, above its limit`);
      return ms;
    },
    end: () => child.end(),
  };
}

/** A step on images in memory, on the same in shards, and on four times as many in shards as the process may allocate. */
export async function measureData(rounds: number): Promise<Finding> {
  const folder = mkdtempSync(join(tmpdir(), 'trikd-bench-data-'));
  try {
    const place = (name: string) => join(folder, name);
    const small = randomSet(SMALL, TEST);
    await writeShards(place('small'), small);
    await writeIdx(place('idx'), small);
    await writeShards(place('large'), randomSet(Math.floor((TIMES * MEMORY) / IMAGE_BYTES), TEST));
    const shards = (name: string) => ({ kind: 'shards', folder: place(name), validation: 500 });
    const [held, inShards, large] = ['in memory', 'in shards', 'in shards, 6 GiB with 1.5 GiB of memory'];
    const contestants = [
      await stored(held!, { kind: 'idx', folder: place('idx'), validation: 500 }),
      await stored(inShards!, shards('small')),
      await stored(large!, shards('large'), MEMORY),
    ];
    const comparison = await compare('ResNet-20, batch 128, one training step on data in files', contestants, {
      rounds,
      steps: 20,
      warmup: 10,
    });
    const against = (name: string) => ({
      what: `${name} / ${held}`,
      value: ratio(comparison, name, held!),
      goal: 1.05,
    });
    return { comparisons: [comparison], ratios: [against(inShards!), against(large!)] };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
