import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openFolderLock } from './folder-lock.js';
import { openFolderStore } from './folder-store.js';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const program = fileURLToPath(new URL('testing/store-process.mjs', import.meta.url));
const children: ChildProcess[] = [];
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trikd-processes-'));
});
afterEach(async () => {
  await Promise.all(children.splice(0).map(kill));
  await rm(folder, { recursive: true });
});

/** Starts a process and waits for the line that says how far it is. */
async function start(task: 'hold' | 'write' | 'count', line: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--experimental-transform-types', program, folder, task], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let errors = '';
  child.stderr.on('data', (data) => {
    errors += data;
  });
  let output = '';
  for await (const data of child.stdout) {
    output += data;
    if (output.includes(line)) return child;
  }
  throw new Error(`the process ended before it said '${line}': ${errors}`);
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

test('the next writer gets on when the process that holds the lock is killed', async () => {
  const store = await openFolderStore(folder);
  const holder = await start('hold', 'held');
  const impatient = openFolderLock(join(folder, '~lock'), { timeoutMs: 20 });
  await expect(impatient.hold(async () => undefined)).rejects.toThrow('~lock has been held by others for 20 ms');
  let done = false;
  const writing = store.put('a', text('1')).then(() => {
    done = true;
  });
  await expect(impatient.hold(async () => undefined)).rejects.toMatchObject({ kind: 'unavailable' });
  expect(done).toBe(false);
  await kill(holder);
  await writing;
  expect(await store.list('')).toEqual(['a']);
});

test('a writer killed at any moment leaves a whole object and a store that goes on', async () => {
  for (let round = 0; round < 3; round++) {
    await kill(await start('write', 'writing'));
    const store = await openFolderStore(folder);
    const { bytes } = (await store.get('whole'))!;
    const whole = new Uint8Array(bytes.length).fill(bytes.length - 1_000_000);
    expect(Buffer.compare(bytes, whole)).toBe(0);
    await store.put('whole', text('next'));
    expect(await store.list('')).toEqual(['whole']);
  }
});

test('4 processes that each add 25 to a counter by compare-and-swap make 100', async () => {
  const store = await openFolderStore(folder);
  await store.create('counter', text('0'));
  await Promise.all([1, 2, 3, 4].map(() => start('count', 'counted')));
  expect(new TextDecoder().decode((await store.get('counter'))!.bytes)).toBe('100');
});
