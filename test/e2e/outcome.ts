import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Blob } from '@trikd/core/domain/blob';
import { canonicalJson } from '@trikd/core/domain/canonical-json';
import type { BestParams } from '@trikd/core/domain/role-checkpoint';
import { GenerationResult, type LearnerOutcome } from '@trikd/core/run/state';
import { RunSpec } from '@trikd/core/spec/run-spec';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import type { Ended } from './trikd.js';

/** A generation's result without any key of the store: what is there must be the same in every attempt, where it is must not. */
export type Content = Omit<GenerationResult, 'learners' | 'pair'> & {
  /** By name. */
  readonly learners: Readonly<Record<string, LearnerContent>>;
};
type LearnerContent = Omit<LearnerOutcome, 'best'> & {
  readonly best: Omit<BestParams, 'params'> & { readonly params: Omit<Blob, 'key'> };
};

/** What `trikd run --output json` says last. */
export interface Result {
  readonly phase: string;
  /** Digests of all weights, statistics and optimizer slots, of the best params, and all scores. */
  readonly generations: readonly Content[];
  readonly failure?: string;
}

const Generations = GenerationResult.unwrap().omit({ pair: true }).strip().array();

export function contentOf(generations: unknown): readonly Content[] {
  return Generations.parse(generations).map((result) => ({
    ...result,
    learners: Object.fromEntries(Object.entries(result.learners).map(([name, each]) => [name, withoutKey(each)])),
  }));
}

function withoutKey({ best: { params, ...score }, stateSha256 }: LearnerOutcome): LearnerContent {
  return { best: { ...score, params: { sha256: params.sha256, bytes: params.bytes } }, stateSha256 };
}

/** The result that a command ended with. */
export function resultOf({ stdout, stderr }: Ended): Result {
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  try {
    const { event, phase, generations, failure } = JSON.parse(last);
    if (event !== 'result') throw new Error(`the event is ${event}`);
    return { phase, generations: contentOf(generations), ...(failure && { failure }) };
  } catch (cause) {
    throw new Error(`no result in ${JSON.stringify(last)}; standard error: ${stderr}`, { cause });
  }
}

const REFERENCE = fileURLToPath(new URL('reference-process.ts', import.meta.url));

/**
 * Trains the whole curriculum in one process of its own, without services.
 * @param answers a file with the answers of models of other servers
 */
export async function reference(spec: WrittenSpec, answers?: string): Promise<readonly Content[]> {
  const args = [REFERENCE, canonicalJson(RunSpec.parse(spec)), ...(answers === undefined ? [] : [answers])];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return contentOf(JSON.parse(stdout));
}
