import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countedAgain } from './resident-memory.ts';

/** Processes of one program, at rest: each waits for input. */
let children: readonly ChildProcess[] = [];
let pids: readonly number[] = [];

beforeAll(async () => {
  children = [1, 2, 3].map(() => spawn(process.execPath, ['-e', "console.log('ready'); process.stdin.resume()"]));
  await Promise.all(children.map((child) => once(child.stdout!, 'data')));
  pids = children.map((child) => child.pid!);
});
afterAll(() => {
  for (const child of children) child.kill();
});

/** MiB of the pages of files that a process has in memory, as Linux adds them up. */
function ofFiles(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kibibytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]);
  return (kibibytes('Rss') - kibibytes('Anonymous')) / 1024;
}

test('nothing of one process is counted again', () => {
  expect(countedAgain(pids.slice(0, 1))).toBe(0);
});

test('of the same process twice, all pages of files are counted again', () => {
  const [pid] = pids as [number];
  expect(Math.abs(countedAgain([pid, pid]) - ofFiles(pid))).toBeLessThan(2);
});

test('processes of one program share its pages, and each further process counts them again', () => {
  const two = countedAgain(pids.slice(0, 2));
  expect(two).toBeGreaterThan(ofFiles(pids[0]!) / 2);
  expect(countedAgain(pids)).toBeGreaterThan(1.5 * two);
});
