import { assertParamsMatch, loadParams } from '@trikd/core/checkpoint/blobs';
import { assertManifest, type ExpectedManifest, type PairManifest } from '@trikd/core/checkpoint/manifest';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { Blob } from '@trikd/core/domain/role-checkpoint';
import type { Anchor, RunState } from '@trikd/core/run/state';
import { type AnchorPointer, pointerKey, readPointer } from '@trikd/core/run/stored/anchor-pointer';
import { loadRun } from '@trikd/core/run/stored/run-store';
import { type RunSpec, specDigest } from '@trikd/core/spec/run-spec';
import { inputsOf, type StageInput } from '@trikd/core/stages/inputs';
import { originText } from '@trikd/core/stages/origin';
import type { ExpectedParams } from '@trikd/core/training/sessions';
import { stageText } from '@trikd/events/names';
import { loadDataset, ownData } from '@trikd/model-host/data/load-dataset';
import { quietTensorFlow } from '@trikd/process/environment';
import { ownLimits } from '../../run/data-limits.js';
import { learnerAt, stageOf } from '../../run/participants.js';
import type { Shell } from '../../terminal/shell.js';
import { formatted, size } from '../../terminal/texts.js';
import { catalogue, type Entry, selected } from './catalogue.js';
import type { VerifyOptions } from './command.js';
import { type OpenRun, openRun } from './open-run.js';

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
  { blob, stage, learner, part }: NamedBlob,
  expected: ExpectedOf | string,
): Promise<string | undefined> {
  try {
    const params = await loadParams(store, blob);
    if (typeof expected !== 'string') {
      assertParamsMatch(params, expected(stage, learner)[part], `params of the ${learner}`);
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

/** What a manifest must agree with. */
function expectedOf({ spec, state }: Pick<OpenRun, 'spec' | 'state'>, manifest: PairManifest): ExpectedManifest {
  const { stage, step } = manifest;
  return {
    ...{ runId: spec.name, stage, step, specDigest: specDigest(spec), datasetDigest: state.facts?.datasetDigest },
    frozen: frozenIn({ spec, state }, manifest),
  };
}

/** The digests of the frozen models of a stage; as the manifest has them where the state does not keep them. */
function frozenIn(
  { spec, state }: Pick<OpenRun, 'spec' | 'state'>,
  { stage: stageIndex, frozen }: PairManifest,
): ExpectedManifest['frozen'] {
  const anchor = state.phase !== 'completed' && stageIndex === state.stage ? state.anchor : 'unknown';
  const stage = stageOf(spec, stageIndex);
  const digest = ({ name, from }: StageInput): string | undefined => {
    if (from === 'promoted') return anchor === 'unknown' ? frozen[name] : anchor?.params.sha256;
    if (from.kind !== 'stage') return state.imported?.[originText(from)] ?? frozen[name];
    if (from.at === 'last') return frozen[name];
    return state.results[from.index]?.learners[from.participant]?.best.params.sha256;
  };
  const expected = inputsOf(spec, stage)
    .filter(({ name }) => stage.frozen.some((each) => each.name === name))
    .flatMap((input) => {
      const sha256 = digest(input);
      return sha256 === undefined ? [] : [[input.name, sha256] as const];
    });
  return Object.fromEntries(expected);
}

/** What the blobs of a learner contain. */
type ExpectedBlobs = Readonly<Record<'state' | 'best', ExpectedParams>>;

/**
 * The params that a learner of a stage has.
 * @param stage index of the stage
 * @throws TrikdError 'invalid' when there is no such learner
 */
export type ExpectedOf = (stage: number, learner: string) => ExpectedBlobs;

/** Traces the models of a spec. Their shapes depend on the data: returns a sentence when this machine does not have them. */
async function expectedByLearner(spec: RunSpec, env: Shell['env']): Promise<ExpectedOf | string> {
  try {
    const dataset = await loadDataset(spec, ownData(ownLimits(env)));
    quietTensorFlow();
    // TensorFlow takes a second to load, and no other command needs it.
    const { expectedInCheckpoint } = await import('@trikd/core/training/sessions');
    const traced = new Map<string, ExpectedBlobs>();
    return (stage, name) => {
      const learner = learnerAt(spec, stage, name);
      // Stages have the same models.
      const { model, optimizer, objective } = learner;
      const alike = JSON.stringify([model, optimizer, objective]);
      const known = traced.get(alike) ?? expectedInCheckpoint(spec, dataset, stageOf(spec, stage), learner);
      traced.set(alike, known);
      return known;
    };
  } catch (error) {
    if (error instanceof TrikdError && error.kind === 'not-found') return error.message;
    throw error;
  }
}

/** A blob that something names, and what it has to hold. */
interface NamedBlob {
  readonly blob: Blob;
  /** Index of the stage that it comes from. */
  readonly stage: number;
  /** The learner whose params it has. */
  readonly learner: string;
  readonly part: 'state' | 'best';
  readonly neededBy: readonly string[];
}

/**
 * The blobs that are named by checkpoints, by the state of their run (results, the outcome of the current stage, the anchor) and by the
 * pointer. Each blob appears once, with everything that names it.
 */
function namedBlobs(
  spec: RunSpec,
  entries: readonly Entry[],
  state: RunState | undefined,
  pointer: Anchor | undefined,
): readonly NamedBlob[] {
  const named = new Map<string, NamedBlob>();
  const add = (blob: Blob, of: Omit<NamedBlob, 'blob' | 'neededBy'>, by: string) => {
    // The same key under two digests is two claims, of which one is wrong.
    const id = [blob.key, blob.sha256, blob.bytes, of.stage, of.learner, of.part].join();
    const neededBy = named.get(id)?.neededBy ?? [];
    if (!neededBy.includes(by)) named.set(id, { blob, ...of, neededBy: [...neededBy, by] });
  };
  for (const { name, manifest } of entries) {
    if (!manifest) continue;
    const { stage } = manifest;
    for (const [learner, { state: last, best }] of Object.entries(manifest.learners)) {
      add(last, { stage, learner, part: 'state' }, `checkpoint ${name}`);
      if (best) add(best.params, { stage, learner, part: 'best' }, `checkpoint ${name}`);
    }
  }
  const outcomes = [
    ...(state?.results ?? []).map((result) => {
      const { stage } = result;
      return { ...result, by: `the result of ${stageText(stageOf(spec, stage).name, stage)}` };
    }),
    ...(state?.phase === 'promoting' ? [{ ...state.outcome, stage: state.stage, by: 'the candidate' }] : []),
  ];
  for (const { stage, learners, by } of outcomes) {
    for (const [learner, { best }] of Object.entries(learners)) {
      add(best.params, { stage, learner, part: 'best' }, by);
    }
  }
  const addAnchor = ({ stage, params }: Anchor, by: string) => {
    add(params, { stage, learner: stageOf(spec, stage).decisive, part: 'best' }, by);
  };
  if (state && 'anchor' in state && state.anchor) addAnchor(state.anchor, 'the anchor');
  if (pointer) addAnchor(pointer, 'the anchor pointer');
  return [...named.values()];
}
