/**
 * Loaded into a service before it begins (`node --expose-gc --import soak-agent.ts main.js`). At SIGUSR2 it collects all garbage, gives
 * what malloc keeps for later back to the system, and writes into the file SOAK_FOLDER/<pid> what memory the process has for itself then
 * (RssAnon), how much of it JavaScript holds, and how much of that is code that V8 has compiled.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { getHeapCodeStatistics } from 'node:v8';

/** In MB. */
export interface Memory {
  readonly memoryMb: number;
  readonly heldMb: number;
  readonly codeMb: number;
}

const MB = 2 ** 20;
const mallocTrim: () => void = createRequire(import.meta.url)('../../packages/engine/build/malloc_trim.node');
const file = join(process.env['SOAK_FOLDER'] ?? '.', `${process.pid}`);

process.on('SIGUSR2', () => {
  // As if memory were running out: compacts, drops unused code, and shrinks the young stage, whose size follows recent allocations.
  // The second collection frees what finalizers of the first released.
  const everything = { type: 'major', execution: 'sync', flavor: 'last-resort' } as const;
  for (let times = 0; times < 2; times++) globalThis.gc?.(everything);
  // Returns the free pages of malloc's heap, whose number varies by megabytes with the last allocations.
  mallocTrim();
  const anonymous = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  const { heapUsed, external } = process.memoryUsage();
  const { code_and_metadata_size: code, bytecode_and_metadata_size: bytecode } = getHeapCodeStatistics();
  const memory: Memory = {
    memoryMb: Number(anonymous) / 1024,
    heldMb: (heapUsed + external) / MB,
    codeMb: (code + bytecode) / MB,
  };
  writeFileSync(`${file}.new`, JSON.stringify(memory));
  renameSync(`${file}.new`, file);
});
