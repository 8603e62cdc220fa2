import { createHash } from 'node:crypto';
import type { Clock } from '@trikd/core/async/clock';
import { loadManifest } from '@trikd/core/checkpoint/load-manifest';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { type GenerationAttempt } from '@trikd/core/domain/position';
import { peerOf, type TrainedRole } from '@trikd/core/domain/role';
import { type Duty, promotion, type RunEvent, type RunRules } from '@trikd/core/run/advance';
import { pointAsStated, promote } from '@trikd/core/run/anchor-pointer';
import { collectLeftovers } from '@trikd/core/run/collector';
import { nextLimit } from '@trikd/core/run/convergence';
import { type Facts, type Preparing, type Promoting, resumePair, type Training } from '@trikd/core/run/state';
import { type RunSpec, specDigest } from '@trikd/core/spec/run-spec';
import type { StepTracing } from '@trikd/core/timing/trace-ids';
import { attemptOf, commitPair } from './commit-pair.js';
import { type FollowStepsPorts, followSteps } from './follow-steps.js';
import { type HearTimes, hear } from './hear.js';
import type { Pair } from './ledger.js';
import type { AnchorLink, DutyNews, TrainerLink } from './ports.js';
import { train } from './train.js';

/** What the duties of a run need. */
export interface PerformPorts {
  readonly spec: RunSpec;
  readonly rules: RunRules;
  readonly store: ObjectStore;
  readonly trainers: Readonly<Record<TrainedRole, TrainerLink>>;
  readonly anchor: AnchorLink;
  readonly times: HearTimes & { readonly firstRetry: number; readonly longestRetry: number };
  readonly clock: Clock;
  /** Names the process in manifests. */
  readonly writer: string;
  /** Of the leader that drives the run. */
  readonly term: number;
  /** Aborts when the run is to rest. */
  readonly drained: AbortSignal;
  /** Aborts when somebody else drives the run. */
  readonly abandoned: AbortSignal;
  tell(news: DutyNews): void;
  /** How its steps are traced. */
  readonly tracing: StepTracing;
  /** Who is asked where the time of steps goes, and how often. Default: nobody. */
  readonly steps?: Pick<FollowStepsPorts, 'links' | 'look' | 'traced'>;
}

/** Does what a phase of a run demands. */
export function perform(ports: PerformPorts, todo: Duty): AsyncGenerator<RunEvent> {
  switch (todo.phase) {
    case 'preparing':
      return prepare(ports, todo);
    case 'training':
      return trainFrom(ports, todo);
    case 'promoting':
      return judge(ports, todo);
  }
}

/** Before the data are read nobody knows how long a generation is: the first assignment lets one step be trained. */
const LIMIT_OF_UNKNOWN_LENGTH = 1;

async function* prepare(ports: PerformPorts, todo: Preparing): AsyncGenerator<RunEvent> {
  const { spec, times, clock, store } = ports;
  const drained = AbortSignal.any([ports.drained, ports.abandoned]);
  await pointAsStated(store, spec.name, todo, ports.term);
  await collectLeftovers(store, spec.name, todo);
  if (todo.losses > 0) {
    const pause = Math.min(times.longestRetry, times.firstRetry * 2 ** (todo.losses - 1));
    await clock.sleep(1000 * pause, drained).catch(() => undefined);
  }
  if (drained.aborted) return;
  const attempt = attemptOf(spec, todo);
  const pair = await resumeFrom(ports, todo).catch(blaming(todo));
  const step = pair?.student.step ?? 0;
  const limit = todo.facts ? nextLimit(step, todo.facts, spec) : LIMIT_OF_UNKNOWN_LENGTH;
  const { tracing } = ports;
  const loading = todo.anchor && ports.anchor.load(attempt, step, spec, todo.anchor.params, tracing);
  const scores = loading && (await unlessDrained(loading, drained));
  if (loading && !scores) return;
  const assign = (role: TrainedRole) => {
    const asks = (from: 'anchor' | 'peer') =>
      spec[role].objective.some((term) => term.kind === 'distillation' && term.from === from);
    const assignment = {
      attempt,
      spec,
      limit,
      tracing,
      ...(asks('peer') && { peerAddress: ports.trainers[peerOf(role)].address }),
      ...(todo.anchor && asks('anchor') && { anchorAddress: ports.anchor.address }),
      ...(pair && { resume: pair[role] }),
    };
    return ports.trainers[role].assign(assignment).catch(blaming(todo));
  };
  const assigned = await unlessDrained(Promise.all([assign('teacher'), assign('student')]), drained);
  if (!assigned) return;
  const [teacher, student] = assigned;
  compareFacts('teacher', teacher, 'student', student);
  if (scores) compareFacts('anchor', { ...teacher, datasetDigest: scores.datasetDigest }, 'teacher', teacher);
  yield {
    kind: 'assigned',
    facts: teacher,
    ...(scores && { anchorScores: { validation: scores.validation, test: scores.test } }),
  };
}

/** The outcome of work that may take minutes, or undefined when the run is to be left before it has come. */
async function unlessDrained<T>(work: Promise<T>, drained: AbortSignal): Promise<T | undefined> {
  const left = new AbortController();
  const leave = new Promise<undefined>((resolve) => {
    if (drained.aborted) resolve(undefined);
    drained.addEventListener('abort', () => resolve(undefined), { once: true, signal: left.signal });
  });
  try {
    return await Promise.race([work, leave]);
  } finally {
    left.abort();
    // What comes of it after a drain concerns nobody.
    work.catch(() => undefined);
  }
}

async function* trainFrom(ports: PerformPorts, todo: Training): AsyncGenerator<RunEvent> {
  const attempt = attemptOf(ports.spec, todo);
  const over = new AbortController();
  const wanted: number[] = [];
  const following = ports.steps && followSteps(attempt, { ...ports, ...ports.steps, wanted }, over.signal);
  const tell = (news: DutyNews) => {
    if (news.kind === 'committed' && news.step > 0) wanted.push(news.step - 1);
    ports.tell(news);
  };
  try {
    yield* trainAttempt({ ...ports, tell }, todo, attempt);
  } finally {
    over.abort();
  }
  // What an attempt failed of is not held back by models that do not answer.
  await following;
}

function trainAttempt(ports: PerformPorts, todo: Training, attempt: GenerationAttempt): AsyncGenerator<RunEvent> {
  const { teacher, student } = ports.trainers;
  return train(todo, attempt, {
    spec: ports.spec,
    trainers: ports.trainers,
    heard: hear(
      [watched(teacher, todo), watched(student, todo)],
      attempt,
      ports,
      { ...ports.times, save: ports.spec.checkpoint.everySeconds },
      ports.clock,
    ),
    commit: (pair) => commitPair(ports, todo, pair),
    tell: ports.tell,
  });
}

/** A trainer that reads the last part of its checkpoint after it took the assignment, and then says so. */
function watched(trainer: TrainerLink, todo: Training): TrainerLink {
  return {
    ...trainer,
    async *watch(attempt, signal) {
      try {
        yield* trainer.watch(attempt, signal);
      } catch (failure) {
        blaming(todo)(failure);
      }
    },
  };
}

/** Throws on what reading a checkpoint failed of. Damage is the pair's, which the run then gives up for the one before it. */
function blaming(todo: Preparing | Training): (failure: unknown) => never {
  return (failure) => {
    const pair = resumePair(todo)?.step;
    if (pair === undefined || !(failure instanceof TrikdError) || failure.kind !== 'corrupt') throw failure;
    throw new TrikdError('corrupt', failure.message, { ...failure.details, pair }, { cause: failure });
  };
}

/** Reads the candidate back before anything is built on it, and points to it when it is to be the anchor. */
async function* judge({ spec, store, term, rules }: PerformPorts, todo: Promoting): AsyncGenerator<RunEvent> {
  const { key, sha256, bytes } = todo.outcome.student.params;
  const stored = await store.get(key);
  const found = stored && createHash('sha256').update(stored.bytes).digest('hex');
  if (found !== sha256 || stored?.bytes.byteLength !== bytes) {
    const what = stored ? `${stored.bytes.byteLength} bytes with SHA-256 ${found}` : 'nothing';
    throw new TrikdError(
      'corrupt',
      `params of the candidate: expected ${bytes} bytes with SHA-256 ${sha256}, found ${what}`,
    );
  }
  const promoted = promotion(todo, rules);
  if (promoted) await promote(store, spec.name, promoted, term);
  yield { kind: 'candidate-verified' };
}

async function resumeFrom({ spec, store }: PerformPorts, todo: Preparing): Promise<Pair | undefined> {
  const ref = resumePair(todo);
  if (!ref) return undefined;
  const manifest = await loadManifest(store, ref.manifestKey, {
    runId: spec.name,
    generation: todo.generation,
    step: ref.step,
    specDigest: specDigest(spec),
    datasetDigest: todo.facts?.datasetDigest,
    anchor: todo.anchor?.params.sha256,
  });
  const half = (role: TrainedRole) => {
    const { state, best } = manifest[role];
    return { step: ref.step, state, ...(best && { best }) };
  };
  return { teacher: half('teacher'), student: half('student') };
}

function compareFacts(one: string, a: Facts, other: string, b: Facts): void {
  for (const name of ['datasetDigest', 'classes', 'totalSteps', 'stepsPerEpoch'] as const) {
    if (a[name] === b[name]) continue;
    throw new TrikdError(
      'invalid',
      `the ${one} finds ${name} ${a[name]}, the ${other} ${b[name]}: they read different data`,
    );
  }
}
