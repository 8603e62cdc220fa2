import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { processorOf } from '@trikd/model-host/numerics';
import { z } from 'zod';

/** What the cores can do at most, as `peak.cc` measures it. */
export const Peak = z.object({
  /** Multiplications and additions a second. */
  float32: z.number(),
  /** 0 if the processor has no instructions for it. */
  bfloat16: z.number(),
  /** Bytes a second that are read from memory. */
  memory: z.number(),
});
export type Peak = z.infer<typeof Peak>;

/** The machine that figures are of. */
export const Machine = z.object({ cpu: z.string(), cores: z.number(), gibibytes: z.number() });
export type Machine = z.infer<typeof Machine>;

export function thisMachine(): Machine {
  const all = cpus();
  const { name } = processorOf(readFileSync('/proc/cpuinfo', 'utf8'));
  const cpu = `${all[0]?.model.trim()} (${name})`;
  return { cpu, cores: all.length, gibibytes: Math.round(totalmem() / 2 ** 30) };
}

/** Builds the program for this machine, runs it, and forgets it. @throws Error if there is no g++ */
export function measurePeak(threads: number): Peak {
  const folder = mkdtempSync(join(tmpdir(), 'trikd-bench-peak-'));
  try {
    const program = join(folder, 'peak');
    const source = fileURLToPath(new URL('peak.cc', import.meta.url));
    execFileSync('g++', ['-std=c++17', '-O3', '-march=native', '-pthread', '-o', program, source], {
      stdio: 'inherit',
    });
    return Peak.parse(JSON.parse(execFileSync(program, [String(threads)], { encoding: 'utf8' })));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
