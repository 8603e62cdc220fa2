import { readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'vitest';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

export const MIB = 2 ** 20;

/** What a process holds at one moment, after a collection of garbage. */
export interface Holding {
  /** Bytes that JavaScript's objects take. */
  readonly objects: number;
  /** Resident bytes outside of JavaScript's heap: the engine's tensors, graphs and threads. */
  readonly outside: number;
  readonly files: number;
  readonly threads: number;
}

export function hold(): Holding {
  collectGarbage();
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  const count = (folder: string) => readdirSync(folder).length;
  return {
    objects: heapUsed,
    // V8 enlarges the heap that it keeps for young objects whenever it likes.
    outside: rss - heapTotal,
    files: count('/proc/self/fd'),
    threads: count('/proc/self/task'),
  };
}

/** By how much a quantity grows from the first sample to the last, along the straight line through all of them. */
function growth(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const rise = values.reduce((sum, value, i) => sum + (i - middle) * value, 0);
  return ((values.length - 1) * rise) / values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
}

/** Refuses samples that show a leak of more than so many bytes from the first to the last. */
export function expectSteady(
  samples: readonly Holding[],
  limit: { readonly objects: number; readonly outside: number },
): void {
  expect(growth(samples.map(({ objects }) => objects))).toBeLessThan(limit.objects);
  expect(growth(samples.map(({ outside }) => outside))).toBeLessThan(limit.outside);
  expect(new Set(samples.map(({ files }) => files)).size).toBe(1);
  expect(new Set(samples.map(({ threads }) => threads)).size).toBe(1);
}
