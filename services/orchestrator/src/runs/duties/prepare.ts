import type { Clock } from '@trikd/core/async/clock';
import { orAborted } from '@trikd/core/async/or-aborted';
import { loadManifest } from '@trikd/core/checkpoint/load-manifest';
import type { AttemptNumerics } from '@trikd/core/domain/numerics';
import { peerOf, type TrainedRole } from '@trikd/core/domain/role';
import type { RunTransition } from '@trikd/core/run/advance';
import { pointAsStated } from '@trikd/core/run/anchor-pointer';
import { collectLeftovers } from '@trikd/core/run/collector';
import { nextLimit } from '@trikd/core/run/convergence';
import { assertSameFacts } from '@trikd/core/run/facts';
import { type Facts, type Preparing, resumePair } from '@trikd/core/run/state';
import { type RunSpec, specDigest } from '@trikd/core/spec/run-spec';
import type { Assignment } from '@trikd/core/training/assignment';
import type { AnchorLink, TrainerLink } from '../ports.js';
import type { Pair } from '../training/generation-progress.js';
import { blamePair } from './blame-pair.js';
import { compareNumerics, generationBefore, type NumericsRule, type TrainedWith } from './compare-numerics.js';
import { attemptOf, type DutyScope } from './scope.js';

export interface PreparePorts {
  readonly trainers: Readonly<Record<TrainedRole, TrainerLink>>;
  readonly anchor: AnchorLink;
  readonly clock: Clock;
  /** Seconds before the first new attempt, and at most: the pause doubles with each loss. */
  readonly times: { readonly firstRetry: number; readonly longestRetry: number };
  /** What other numerics than before do. Default: warn. */
  readonly numerics?: NumericsRule;
}

/** What an attempt starts from. */
interface Start {
  /** Absent: fresh params. */
  readonly pair?: Pair;
  readonly trainedWith?: TrainedWith | undefined;
}

/** Loads the anchor and assigns the attempt to both trainers. Ends without an event when the run is drained or abandoned meanwhile. */
export async function* prepare(run: DutyScope, ports: PreparePorts, todo: Preparing): AsyncGenerator<RunTransition> {
  const left = AbortSignal.any([run.drained, run.abandoned]);
  await pointAsStated(run.store, run.spec.name, todo, run.term);
  await collectLeftovers(run.store, run.spec.name, todo);
  await pauseAfterLoss(ports, todo, left);
  await run.reachable(left);
  if (left.aborted) return;
  const { pair, trainedWith } = await startOf(run, todo).catch(blamePair(todo));
  const step = pair?.student.step ?? 0;
  const loading = loadAnchor(run, ports.anchor, todo, step);
  const anchor = loading && (await unlessLeft(loading, left));
  if (left.aborted) return;
  const assign = (role: TrainedRole) => {
    return ports.trainers[role].assign(assignmentOf(run, ports, todo, pair, role)).catch(blamePair(todo));
  };
  const assigned = await unlessLeft(Promise.all([assign('teacher'), assign('student')]), left);
  if (!assigned) return;
  const [{ numerics: ofTeacher, ...teacher }, { numerics: ofStudent, ...student }] = assigned;
  assertSameData('teacher', teacher, 'student', student);
  if (anchor) assertSameData('anchor', { ...teacher, datasetDigest: anchor.datasetDigest }, 'teacher', teacher);
  const numerics: AttemptNumerics = {
    ...(ofTeacher && { teacher: ofTeacher }),
    ...(ofStudent && { student: ofStudent }),
    ...(anchor?.numerics && { anchor: anchor.numerics }),
  };
  const { generation } = todo;
  compareNumerics(numerics, trainedWith, ports.numerics ?? 'warn', { generation, step }, run.emit);
  yield {
    kind: 'assigned',
    facts: teacher,
    ...(anchor && { anchorScores: { validation: anchor.validation, test: anchor.test } }),
    ...(Object.keys(numerics).length > 0 && { numerics }),
  };
}

async function pauseAfterLoss({ times, clock }: PreparePorts, { losses }: Preparing, left: AbortSignal): Promise<void> {
  if (losses === 0) return;
  const pause = Math.min(times.longestRetry, times.firstRetry * 2 ** (losses - 1));
  await clock.sleep(1000 * pause, left).catch(() => undefined);
}

/** @throws TrikdError `corrupt` for the pair that the attempt resumes from */
async function startOf({ spec, store }: DutyScope, todo: Preparing): Promise<Start> {
  const ref = resumePair(todo);
  if (!ref) return { trainedWith: await generationBefore(store, todo) };
  const manifest = await loadManifest(store, ref.manifestKey, {
    runId: spec.name,
    generation: todo.generation,
    step: ref.step,
    specDigest: specDigest(spec),
    datasetDigest: todo.facts?.datasetDigest,
    anchor: todo.anchor?.params.sha256,
  });
  const partOf = (role: TrainedRole) => {
    const { state, best } = manifest[role];
    return { step: ref.step, state, ...(best && { best }) };
  };
  const { numerics } = manifest;
  return {
    pair: { teacher: partOf('teacher'), student: partOf('student') },
    trainedWith: numerics && { numerics, what: `the checkpoint of step ${ref.step}` },
  };
}

/** Undefined in a generation without an anchor. */
function loadAnchor(
  { spec, term, tracing, secretOf }: DutyScope,
  anchor: AnchorLink,
  todo: Preparing,
  step: number,
): ReturnType<AnchorLink['load']> | undefined {
  if (!todo.anchor) return undefined;
  const start = { ...attemptOf(spec, todo), step };
  return anchor.load({ start, term, exchangeSecret: secretOf(start), spec, params: todo.anchor.params, tracing });
}

/** Until the data are read, the length of a generation is unknown: the first assignment lets one step be trained. */
const LIMIT_OF_UNKNOWN_LENGTH = 1;

function assignmentOf(
  { spec, term, tracing, secretOf }: DutyScope,
  { trainers, anchor }: PreparePorts,
  todo: Preparing,
  pair: Pair | undefined,
  role: TrainedRole,
): Assignment {
  const step = pair?.student.step ?? 0;
  const attempt = attemptOf(spec, todo);
  return {
    attempt,
    term,
    exchangeSecret: secretOf(attempt),
    spec,
    limit: todo.facts ? nextLimit(step, todo.facts, spec) : LIMIT_OF_UNKNOWN_LENGTH,
    tracing,
    ...(distillsFrom(spec, role, 'peer') && { peerAddress: trainers[peerOf(role)].address }),
    ...(todo.anchor && distillsFrom(spec, role, 'anchor') && { anchorAddress: anchor.address }),
    ...(pair && { resume: pair[role] }),
  };
}

function distillsFrom(spec: RunSpec, role: TrainedRole, source: 'anchor' | 'peer'): boolean {
  return spec[role].objective.some((term) => term.kind === 'distillation' && term.from === source);
}

/** What work that may take minutes resolves to; undefined when the run is left first. */
async function unlessLeft<T>(work: Promise<T>, left: AbortSignal): Promise<T | undefined> {
  return orAborted(work, left).catch((error: unknown) => {
    if (left.aborted) return undefined;
    throw error;
  });
}

function assertSameData(one: string, a: Facts, other: string, b: Facts): void {
  assertSameFacts(a, b, (name, found, expected) => {
    return `the ${one} finds ${name} ${found}, the ${other} ${expected}: they read different data`;
  });
}
