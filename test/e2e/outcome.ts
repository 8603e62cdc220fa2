import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { GenerationResult } from '@trikd/core/run/state';
import { canonicalJson, RunSpec } from '@trikd/core/spec';
import type { z } from 'zod';
import type { Ended, WrittenSpec } from './trikd.js';

/** What `trikd run --output json` says last. */
export interface Result {
  readonly phase: string;
  /** Digests of all weights, statistics and optimizer slots, of the best params, and all scores. */
  readonly generations: readonly z.infer<typeof Generation>[];
  readonly failure?: string;
}

/** Where its last checkpoint is, which names the attempt, is no result. */
const Generation = GenerationResult.unwrap().omit({ pair: true }).strip();
const Generations = Generation.array();

/** The result that a command ended with. */
export function resultOf({ stdout, stderr }: Ended): Result {
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  try {
    const { event, phase, generations, failure } = JSON.parse(last);
    if (event !== 'result') throw new Error(`the event is ${event}`);
    return { phase, generations: Generations.parse(generations), ...(failure && { failure }) };
  } catch (cause) {
    throw new Error(`no result in ${JSON.stringify(last)}; standard error: ${stderr}`, { cause });
  }
}

const REFERENCE = fileURLToPath(new URL('reference-process.ts', import.meta.url));

/** Trains the whole curriculum in one process of its own, without services. */
export async function reference(spec: WrittenSpec): Promise<Result['generations']> {
  const args = [REFERENCE, canonicalJson(RunSpec.parse(spec))];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return Generations.parse(JSON.parse(stdout));
}
