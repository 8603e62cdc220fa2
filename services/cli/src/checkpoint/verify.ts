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
import { type Fits, fitsOf } from './fits.js';
import { type NamedBlob, namedBlobs } from './named-blobs.js';
import { type OpenRun, openRun } from './open-run.js';
import { selected } from './select.js';

/** Something that is wrong, and where. */
export interface Problem {
  readonly key: string;
  /** What names it: checkpoints, results, the anchor. */
  readonly neededBy: readonly string[];
  readonly problem: string;
}

/** What a verification came to. */
export interface Verdict {
  readonly checkpoints: number;
  readonly blobs: number;
  readonly bytes: number;
  readonly problems: readonly Problem[];
  /** Why nothing could be compared with the models of the spec. */
  readonly notCompared?: string;
}

/** Told how many of all blobs have been read. */
export type Progress = (done: number, all: number) => void;

/** A run that goes on lets go of checkpoints while they are read: so often what is wrong is looked at again. */
const LOOKS = 3;

/** `trikd checkpoint verify`. Returns what it prints, and whether all is well. */
export async function verify(
  { runId, from, output, wanted }: VerifyOptions,
  env: Readonly<Record<string, string | undefined>>,
  progress: Progress,
): Promise<{ readonly text: string; readonly sound: boolean }> {
  const opened = await openRun(runId, from, env);
  const fits = await fitsOf(opened.spec);
  const look = async (looks: number): Promise<Verdict> => {
    const run = { ...opened, ...(await loadRun(opened.store, runId)) };
    const verdict = await verified(run, wanted, fits, progress);
    const now = await loadRun(opened.store, runId);
    return verdict.problems.length > 0 && now.version !== run.version && looks > 1 ? look(looks - 1) : verdict;
  };
  const verdict = await look(LOOKS);
  const text = output === 'table' ? verdictText(verdict) : formatted({ runId, ...verdict }, output);
  return { text, sound: verdict.problems.length === 0 };
}

/** Reads checkpoints of a run; without any that are wanted, those that its state names, the results and the anchor. */
export async function verified(
  run: OpenRun,
  wanted: readonly string[],
  fits: Fits | string,
  progress: Progress,
): Promise<Verdict> {
  const everything = wanted.length === 0;
  const all = await catalogue(run);
  const entries = everything
    ? all.filter(({ needed }) => needed)
    : wanted.map((one) => selected(all, one, run.spec.name));
  const problems = entries.flatMap((entry) => problemsOf(run, entry));
  const pointer = everything ? await pointerOr(run, problems) : undefined;
  const blobs = namedBlobs(entries, everything ? run.state : undefined, pointer?.params);
  for (const [done, named] of blobs.entries()) {
    progress(done, blobs.length);
    const problem = await problemIn(run.store, named, fits);
    if (problem) problems.push({ key: named.blob.key, neededBy: named.neededBy, problem });
  }
  progress(blobs.length, blobs.length);
  return {
    checkpoints: entries.length,
    blobs: blobs.length,
    bytes: blobs.reduce((sum, { blob }) => sum + blob.bytes, 0),
    problems,
    ...(typeof fits === 'string' && { notCompared: fits }),
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
  { blob, role, part }: NamedBlob,
  fits: Fits | string,
): Promise<string | undefined> {
  try {
    const params = await loadParams(store, blob);
    if (typeof fits !== 'string') assertParamsMatch(params, fits[role][part], `params of the ${role}`);
    return undefined;
  } catch (error) {
    return sentenceOf(error);
  }
}

/** What is wrong with a thing. Trouble with the store is no property of the thing: that is thrown on. */
function sentenceOf(error: unknown): string {
  if (error instanceof TrikdError && (error.kind === 'corrupt' || error.kind === 'invalid')) return error.message;
  throw error;
}

/** A line for each problem, and one that counts. */
export function verdictText({ checkpoints, blobs, bytes, problems, notCompared }: Verdict): string {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return [
    ...problems.map(
      ({ key, neededBy, problem }) =>
        `${problem.includes(key) ? problem : `${key}: ${problem}`} (needed by ${neededBy.join(', ')})`,
    ),
    ...(notCompared === undefined ? [] : [`not compared with the models of the spec: ${notCompared}`]),
    `verified ${checkpoints} checkpoints, ${blobs} blobs of ${size(bytes)}: ${problems.length === 0 ? 'all is well' : count}`,
  ].join('\n');
}
