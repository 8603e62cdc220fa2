import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { BestParams, Blob } from '@trikd/core/domain/role-checkpoint';
import { type LearnerOutcome, StageResult } from '@trikd/core/run/state';
import { RunSpec } from '@trikd/core/spec/run-spec';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import type { Ended } from './trikd.js';

/** A stage's result without any key of the store: what is there must be the same in every attempt, where it is must not. */
export type Content = Omit<StageResult, 'learners' | 'pair'> & {
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
  readonly stages: readonly Content[];
  readonly failure?: string;
}

const Stages = StageResult.unwrap().omit({ pair: true }).strip().array();

export function contentOf(stages: unknown): readonly Content[] {
  return Stages.parse(stages).map((result) => ({
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
    const { event, phase, stages, failure } = JSON.parse(last);
    if (event !== 'result') throw new Error(`the event is ${event}`);
    return { phase, stages: contentOf(stages), ...(failure && { failure }) };
  } catch (cause) {
    throw new Error(`no result in ${JSON.stringify(last)}; standard error: ${stderr}`, { cause });
  }
}

const REFERENCE = fileURLToPath(new URL('reference-process.ts', import.meta.url));

/** The process of all references of a test file. */
let training: ChildProcess | undefined;
/** Those that it has not answered yet, in their order. */
const pending: PromiseWithResolvers<string>[] = [];

/**
 * Trains the whole curriculum in one process, without services. References of one test file are trained in one process, one after the other.
 * @param answers a file with the answers of models of other servers
 */
export async function reference(spec: WrittenSpec, answers?: string): Promise<readonly Content[]> {
  training ??= startTraining();
  const result = Promise.withResolvers<string>();
  pending.push(result);
  training.stdin?.write(`${JSON.stringify({ spec: RunSpec.parse(spec), answers })}\n`);
  return contentOf(JSON.parse(await result.promise));
}

function startTraining(): ChildProcess {
  const child = spawn(process.execPath, [REFERENCE], { stdio: ['pipe', 'pipe', 'inherit'] });
  createInterface({ input: child.stdout }).on('line', (line) => pending.shift()?.resolve(line));
  // The next reference gets a process of its own.
  child.once('close', (status) => {
    training = undefined;
    for (const { reject } of pending.splice(0)) reject(new Error(`the process of the reference ended with ${status}`));
  });
  return child;
}

// It ends with its standard input, should this process be killed.
process.once('exit', () => training?.kill());
