import { assertParamsMatch, loadParams } from '@trikd/core/checkpoint/blobs';
import { assertManifest } from '@trikd/core/checkpoint/load-manifest';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { type AnchorPointer, pointerKey, readPointer } from '@trikd/core/run/anchor-pointer';
import { loadRun } from '@trikd/core/run/run-store';
import { formatted, size } from '../texts.js';
import { catalogue, type Entry } from './catalogue.js';
import type { VerifyOptions } from './command.js';
import { expectedOf } from './expected-manifest.js';
import { type ExpectedOf, expectedByLearner } from './expected-params.js';
import { type NamedBlob, namedBlobs } from './named-blobs.js';
import { type OpenRun, openRun } from './open-run.js';
import { selected } from './select.js';

/** A problem of an object. */
export interface Problem {
  readonly key: string;
  /** Checkpoints, results or the anchor that name it. */
  readonly neededBy: readonly string[];
  readonly problem: string;
}

/** Result of a verification. */
export interface Verdict {
  readonly checkpoints: number;
  readonly blobs: number;
  readonly bytes: number;
  readonly problems: readonly Problem[];
  /** Why the params were not compared with the models of the spec. */
  readonly notCompared?: string;
}

/** Receives the number of blobs that have been read, and that of all blobs. */
export type Progress = (done: number, all: number) => void;

/** Verifications of a run that changes meanwhile: it may remove checkpoints while they are read. */
const ATTEMPTS = 3;

/** `trikd checkpoint verify`. Returns the text to print, and whether there is no problem. */
export async function verify(
  { runId, from, output, wanted }: VerifyOptions,
  env: Readonly<Record<string, string | undefined>>,
  progress: Progress,
): Promise<{ readonly text: string; readonly sound: boolean }> {
  const opened = await openRun(runId, from, env);
  const expected = await expectedByLearner(opened.spec, env);
  const attempt = async (attempts: number): Promise<Verdict> => {
    const run = { ...opened, ...(await loadRun(opened.store, runId)) };
    const verdict = await verified(run, wanted, expected, progress);
    const now = await loadRun(opened.store, runId);
    return verdict.problems.length > 0 && now.version !== run.version && attempts > 1 ? attempt(attempts - 1) : verdict;
  };
  const verdict = await attempt(ATTEMPTS);
  const text = output === 'table' ? verdictText(verdict) : formatted({ runId, ...verdict }, output);
  return { text, sound: verdict.problems.length === 0 };
}

/** Reads the wanted checkpoints of a run; by default those that its state names, the results and the anchor. */
export async function verified(
  run: OpenRun,
  wanted: readonly string[],
  expected: ExpectedOf | string,
  progress: Progress,
): Promise<Verdict> {
  const everything = wanted.length === 0;
  const all = await catalogue(run);
  const entries = everything
    ? all.filter(({ needed }) => needed)
    : wanted.map((one) => selected(all, one, run.spec.name));
  const problems = entries.flatMap((entry) => problemsOf(run, entry));
  const pointer = everything ? await pointerOr(run, problems) : undefined;
  const blobs = namedBlobs(run.spec, entries, everything ? run.state : undefined, pointer);
  for (const [done, named] of blobs.entries()) {
    progress(done, blobs.length);
    const problem = await problemIn(run.store, named, expected);
    if (problem) problems.push({ key: named.blob.key, neededBy: named.neededBy, problem });
  }
  progress(blobs.length, blobs.length);
  return {
    checkpoints: entries.length,
    blobs: blobs.length,
    bytes: blobs.reduce((sum, { blob }) => sum + blob.bytes, 0),
    problems,
    ...(typeof expected === 'string' && { notCompared: expected }),
  };
}

async function pointerOr({ store, spec }: OpenRun, problems: Problem[]): Promise<AnchorPointer | undefined> {
  try {
    return await readPointer(store, spec.name);
  } catch (error) {
    problems.push({ key: pointerKey(spec.name), neededBy: ['the anchor'], problem: sentenceOf(error) });
    return undefined;
  }
}

/** Why a run would not resume from a manifest. */
function problemsOf(run: OpenRun, { key, name, manifest, refusal }: Entry): Problem[] {
  const found = (problem: string) => [{ key, neededBy: [`checkpoint ${name}`], problem }];
  if (!manifest) return found(refusal?.message ?? 'it cannot be read');
  try {
    assertManifest(key, manifest, expectedOf(run, manifest));
    return [];
  } catch (error) {
    return found(sentenceOf(error));
  }
}

async function problemIn(
  store: ObjectStore,
  { blob, generation, learner, part }: NamedBlob,
  expected: ExpectedOf | string,
): Promise<string | undefined> {
  try {
    const params = await loadParams(store, blob);
    if (typeof expected !== 'string') {
      assertParamsMatch(params, expected(generation, learner)[part], `params of the ${learner}`);
    }
    return undefined;
  } catch (error) {
    return sentenceOf(error);
  }
}

/** The problem of an object. An error of the store is not a problem of the object: it is rethrown. */
function sentenceOf(error: unknown): string {
  if (error instanceof TrikdError && (error.kind === 'corrupt' || error.kind === 'invalid')) return error.message;
  throw error;
}

/** A line for each problem, and a line with the numbers. */
export function verdictText({ checkpoints, blobs, bytes, problems, notCompared }: Verdict): string {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return [
    ...problems.map(
      ({ key, neededBy, problem }) =>
        `${problem.includes(key) ? problem : `${key}: ${problem}`} (needed by ${neededBy.join(', ')})`,
    ),
    ...(notCompared === undefined ? [] : [`not compared with the models of the spec: ${notCompared}`]),
    `verified ${checkpoints} checkpoints, ${blobs} blobs of ${size(bytes)}: ${problems.length === 0 ? 'no problems' : count}`,
  ].join('\n');
}
