import type { Clock } from '@trikd/core/async/clock';
import { orAborted } from '@trikd/core/async/within';
import { loadManifest } from '@trikd/core/checkpoint/manifest';
import type { AttemptNumerics } from '@trikd/core/domain/numerics';
import type { Position, TrainedRole } from '@trikd/core/domain/position';
import type { RunTransition } from '@trikd/core/run/advance';
import { nextLimit } from '@trikd/core/run/convergence';
import { assertSameFacts, currentStage, withImported } from '@trikd/core/run/current-stage';
import { type Facts, type Preparing, resumePair } from '@trikd/core/run/state';
import { pointAsStated } from '@trikd/core/run/stored/anchor-pointer';
import { collectLeftovers } from '@trikd/core/run/stored/collector';
import { specDigest } from '@trikd/core/spec/run-spec';
import { type Learner, replicasOf, type Stage, sourcesOf } from '@trikd/core/stages/stage';
import type { Assignment } from '@trikd/core/training/assignment';
import type { AnchorLink, TrainerLink } from '../ports.js';
import type { Pair } from '../training/stage-progress.js';
import {
  compareNumerics,
  comparePrecision,
  type NumericsRule,
  stageBefore,
  type TrainedWith,
} from './compare-numerics.js';
import { attemptOf, blamePair, type DutyScope } from './scope.js';
import { digestsOf, type InputBlobs, importedBy, stageInputs } from './stage-inputs.js';

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
  const stage = currentStage(run.spec, todo);
  const inputs = await stageInputs(run, stage, todo);
  const { pair, trainedWith } = await startOf(run, todo, digestsOf(inputs, stage, todo)).catch(blamePair(todo));
  const step = pair?.step ?? 0;
  const loading = loadFrozen(run, ports.anchor, stage, inputs, { ...attemptOf(run.spec, todo), step });
  // Trainers of a new stage open their models meanwhile, and rest before its first step until the training begins.
  const held = loading !== undefined && pair === undefined;
  const assign = async (learner: Learner) => {
    const assignment = assignmentOf(run, ports, { todo, stage, inputs, pair, held }, learner);
    return { learner, ...(await ports.trainers[learner.slot].assign(assignment).catch(blamePair(todo))) };
  };
  const assignAll = () => Promise.all(stage.learners.map(assign));
  const early = held ? assignAll() : undefined;
  const [loaded] = (await unlessLeft(Promise.all([loading, early]), left)) ?? [];
  if (left.aborted) return;
  // Before a step is trained with it: another file than the run was trained with is refused.
  withImported(todo.imported, importedBy(run, stage, inputs, loaded?.files ?? {}));
  const assigned = await unlessLeft(early ?? assignAll(), left);
  const first = assigned?.[0];
  if (!assigned || !first) return;
  for (const other of assigned.slice(1)) assertSameData(first.learner.name, first, other.learner.name, other);
  if (loaded)
    assertSameData('anchor-server', { ...first, datasetDigest: loaded.datasetDigest }, first.learner.name, first);
  const reported = assigned.flatMap(({ learner, numerics: own }) => (own ? [[learner.slot, own] as const] : []));
  const numerics: AttemptNumerics = {
    ...Object.fromEntries(reported),
    ...(loaded?.numerics && { anchor: loaded.numerics }),
  };
  const initial = assigned.flatMap(({ learner, initialFile }) =>
    initialFile ? [[learner.name, initialFile] as const] : [],
  );
  const imported = importedBy(run, stage, inputs, { ...loaded?.files, ...Object.fromEntries(initial) });
  const alarming = { stage: todo.stage, step, models: stage, emit: run.emit };
  compareNumerics(numerics, trainedWith, ports.numerics ?? 'warn', alarming);
  // Once: later attempts do not differ from the first one in it.
  if (!trainedWith) comparePrecision(numerics, run.spec.engine.precision, alarming);
  const { datasetDigest, classes, totalSteps, stepsPerEpoch } = first;
  yield {
    kind: 'assigned',
    facts: { datasetDigest, classes, totalSteps, stepsPerEpoch },
    ...(loaded && Object.keys(loaded.scores).length > 0 && { frozen: loaded.scores }),
    ...(Object.keys(numerics).length > 0 && { numerics }),
    ...(Object.keys(imported).length > 0 && { imported }),
  };
}

async function pauseAfterLoss({ times, clock }: PreparePorts, { losses }: Preparing, left: AbortSignal): Promise<void> {
  if (losses === 0) return;
  const pause = Math.min(times.longestRetry, times.firstRetry * 2 ** (losses - 1));
  await clock.sleep(1000 * pause, left).catch(() => undefined);
}

/** @throws TrikdError `corrupt` for the pair that the attempt resumes from */
async function startOf(
  { spec, store }: DutyScope,
  todo: Preparing,
  frozen: Readonly<Record<string, string>>,
): Promise<Start> {
  const ref = resumePair(todo);
  if (!ref) return { trainedWith: await stageBefore(store, todo) };
  const manifest = await loadManifest(store, ref.manifestKey, {
    runId: spec.name,
    stage: todo.stage,
    step: ref.step,
    specDigest: specDigest(spec),
    datasetDigest: todo.facts?.datasetDigest,
    frozen,
  });
  const { step } = ref;
  const parts = Object.entries(manifest.learners).map(([name, part]) => [name, { step, ...part }] as const);
  const { numerics } = manifest;
  return {
    pair: { step, learners: Object.fromEntries(parts) },
    trainedWith: numerics && { numerics, what: `the checkpoint of step ${ref.step}` },
  };
}

/** Undefined in a stage without frozen models. */
function loadFrozen(
  { spec, term, tracing, secretOf }: DutyScope,
  anchor: AnchorLink,
  { frozen }: Stage,
  inputs: InputBlobs,
  start: Position,
): ReturnType<AnchorLink['load']> | undefined {
  if (frozen.length === 0) return undefined;
  const params = Object.fromEntries(frozen.flatMap(({ name }) => (inputs[name] ? [[name, inputs[name]]] : [])));
  return anchor.load({ start, term, exchangeSecret: secretOf(start), spec, params, tracing });
}

/** Until the data are read, the length of a stage is unknown: the first assignment lets one step be trained. */
const LIMIT_OF_UNKNOWN_LENGTH = 1;

/** What the assignments of an attempt have in common. */
interface AttemptStart {
  readonly todo: Preparing;
  readonly stage: Stage;
  readonly inputs: InputBlobs;
  readonly pair: Pair | undefined;
  /** Whether the trainers are to rest before the first step. */
  readonly held: boolean;
}

function assignmentOf(
  { spec, term, tracing, secretOf }: DutyScope,
  { trainers, anchor }: PreparePorts,
  { todo, stage, inputs, pair, held }: AttemptStart,
  learner: Learner,
): Assignment {
  const attempt = attemptOf(spec, todo);
  const addressOf = (source: string) => {
    const peer = stage.learners.find(({ name }) => name === source);
    return peer ? trainers[peer.slot].address : anchor.address;
  };
  const resume = pair?.learners[learner.name];
  const init = inputs[learner.name];
  const replicas = trainers[learner.slot].replicas?.slice(0, replicasOf(learner) - 1) ?? [];
  return {
    attempt,
    term,
    exchangeSecret: secretOf(attempt),
    spec,
    limit: held ? 0 : firstLimit(todo, stage, pair),
    tracing,
    sources: Object.fromEntries(sourcesOf(stage, learner).map((source) => [source, addressOf(source)])),
    ...(replicas.length > 0 && { replicas }),
    promoted: todo.anchor !== undefined,
    ...(init && !resume && { init }),
    ...(resume && { resume }),
  };
}

function firstLimit({ facts }: Preparing, stage: Stage, pair: Pair | undefined): number {
  return facts ? nextLimit(pair?.step ?? 0, facts, stage) : LIMIT_OF_UNKNOWN_LENGTH;
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
