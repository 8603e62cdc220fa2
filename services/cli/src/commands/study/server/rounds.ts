import { createBackoff } from '@trikd/core/async/backoff';
import { TrikdError } from '@trikd/core/domain/errors';
import { type RunSpec, specDigest } from '@trikd/core/spec/run-spec';
import { plainMessage } from '../../../server/error-report.js';
import { type Cell, LONGEST_NAME } from '../cells.js';
import type { ServerRun, ServerRuns } from './server-runs.js';

/** What training at a server works with. */
export interface TrainingPorts extends RoundPorts {
  /** Gets the runs that have not ended, each time that they were looked at. */
  show(runs: readonly ServerRun[]): void;
  /** Rejects when the command is to end. */
  pause(milliseconds: number): Promise<void>;
  /** In seconds. */
  now(): number;
  /** Uniform on [0, 1). */
  readonly random: () => number;
  /** Longest time without a connection, in seconds. */
  readonly patience: number;
}

/** Between two looks at the runs, in milliseconds. */
export const INTERVAL = 1000;

/** Of pauses between attempts to reach a server, in milliseconds. */
const BACKOFF = { firstMs: 500, maxMs: 30_000 };

/**
 * Has runs trained by a server, in their order, several at once, and collects each when it has completed. Runs that the server has already
 * are waited for. After a failure no other run is created, and those that have not ended are waited for. A lost connection is waited for.
 * @throws TrikdError of the first failure; 'unavailable' if the server cannot be reached at first, or for too long later
 */
export async function trainRuns(runs: readonly RunOfCell[], ports: TrainingPorts, limits: Limits): Promise<void> {
  const { round, hasAnswer, isOver, unfinished, settled, failures } = roundsOf(runs, ports, limits);
  const backoff = createBackoff({ ...BACKOFF, random: ports.random });
  let lostAt: number | undefined;
  try {
    while (lostAt !== undefined || !isOver()) {
      try {
        await round();
        if (lostAt !== undefined) ports.say('the connection is back');
        lostAt = undefined;
        backoff.reset();
      } catch (error) {
        if (!hasAnswer() || !isTransient(error)) throw error;
        if (lostAt === undefined) ports.say(`${plainMessage(error)}; the runs go on, and the command tries again`);
        lostAt ??= ports.now();
        if (ports.now() - lostAt >= ports.patience) throw error;
      } finally {
        ports.show(unfinished());
      }
      if (lostAt !== undefined) await ports.pause(backoff.next());
      else if (!isOver()) await ports.pause(INTERVAL);
    }
  } finally {
    await settled();
  }
  const [first, ...others] = failures();
  for (const other of others) if (other instanceof TrikdError) ports.say(other.message);
  if (first !== undefined) throw first;
}

/** How many runs a server gets at once. */
export interface Limits {
  /** Runs that have not ended, at most. */
  readonly unfinished: number;
  /** Of these, runs that wait for a trio. */
  readonly queued: number;
}

/** What rounds work with. */
interface RoundPorts {
  readonly runs: Pick<ServerRuns, 'find' | 'create'>;
  /**
   * Fetches what is needed of a run that has completed.
   * @param before whether it had completed before the command
   * @returns what is left to do, without the server
   */
  collect(run: ServerRun, before: boolean): Promise<() => Promise<void>>;
  /** A text that no other request has. */
  requestId(): string;
  /** Gets a line for people. */
  say(line: string): void;
}

/** Looks at the runs of a study at a server. */
export interface Rounds {
  /** Looks at every run that has not ended, and creates others while there is room. After a lost connection the next one continues it. */
  round(): Promise<void>;
  /** Whether the server has answered yet. */
  hasAnswer(): boolean;
  /** Whether there is nothing more to do at the server. */
  isOver(): boolean;
  unfinished(): readonly ServerRun[];
  /** Resolves when what is left to do without the server is done. */
  settled(): Promise<void>;
  /** In their order. */
  failures(): readonly unknown[];
}

function roundsOf(runs: readonly RunOfCell[], ports: RoundPorts, limits: Limits): Rounds {
  const pending = runs.map((run) => ({ run, requestId: ports.requestId() }));
  const unfinished = new Map<string, ServerRun>();
  const failures: unknown[] = [];
  const notice = onceEach(ports.say);
  let rest = Promise.resolve();
  let answered = false;

  async function round(): Promise<void> {
    for (const runId of [...unfinished.keys()]) await look(runId, await ports.runs.find(runId));
    for (let next = pending[0]; next && failures.length === 0 && hasRoom(); next = pending[0]) {
      const { runId } = next.run;
      const found = await ports.runs.find(runId);
      answered = true;
      const run = found && found.phase !== 'failed' ? found : await create(next);
      if (run === 'no room') break;
      pending.shift();
      if (run && isOf(next.run, run)) await look(runId, run, run === found);
    }
  }

  function hasRoom(): boolean {
    const queued = [...unfinished.values()].filter(({ phase }) => phase === 'queued').length;
    return unfinished.size < limits.unfinished && queued < limits.queued;
  }

  /** Undefined: the server rejects the run. */
  async function create({ run, requestId }: (typeof pending)[number]): Promise<ServerRun | 'no room' | undefined> {
    try {
      return await ports.runs.create(run.spec, requestId);
    } catch (error) {
      if (!(error instanceof TrikdError) || error.kind === 'unavailable') throw error;
      if (error.kind === 'exhausted') {
        notice(`waiting to create more runs: ${error.message}`);
        return 'no room';
      }
      failures.push(error);
      return undefined;
    }
  }

  function isOf({ runId, digest }: RunOfCell, found: ServerRun): boolean {
    if (found.digest === digest) return true;
    const why = `its spec has the digest ${found.digest}, as another version of the program reads it`;
    failures.push(new TrikdError('invalid', `run ${runId} at the server is not that of the study: ${why}`));
    return false;
  }

  /** @param before whether the run was there before the command */
  async function look(runId: string, run: ServerRun | undefined, before = false): Promise<void> {
    if (run) unfinished.set(runId, run);
    if (run?.phase === 'completed') await collect(run, before);
    if (run?.phase === 'paused') notice(`run ${runId} is paused: \`trikd runs resume ${runId}\` continues it`);
    const failure = failureOf(runId, run);
    if (failure) failures.push(failure);
    if (failure || run?.phase === 'completed') unfinished.delete(runId);
  }

  async function collect(run: ServerRun, before: boolean): Promise<void> {
    try {
      const work = await ports.collect(run, before);
      rest = rest.then(work).catch((error: unknown) => void failures.push(error));
    } catch (error) {
      if (!(error instanceof TrikdError) || isTransient(error)) throw error;
      failures.push(error);
    }
  }

  return {
    round,
    hasAnswer: () => answered,
    isOver: () => unfinished.size === 0 && (pending.length === 0 || failures.length > 0),
    unfinished: () => [...unfinished.values()],
    settled: () => rest,
    failures: () => failures,
  };
}

/** Whether the same call may succeed later: the server is away, or has a limit for now. */
function isTransient(error: unknown): error is TrikdError {
  return error instanceof TrikdError && (error.kind === 'unavailable' || error.kind === 'exhausted');
}

/** Why a run has no result, nor will have one. */
function failureOf(runId: string, run: ServerRun | undefined): TrikdError | undefined {
  if (!run) return new TrikdError('not-found', `run ${runId} was deleted; the same command creates it again`);
  if (run.phase === 'failed') {
    return new TrikdError('wrong-state', `run ${runId} failed: ${run.failure}; the same command continues it`);
  }
  if (run.phase !== 'cancelled') return undefined;
  const hint = `\`trikd runs delete ${runId}\` lets the study create it again`;
  return new TrikdError('wrong-state', `run ${runId} was cancelled; ${hint}`);
}

/** Says each line once. */
function onceEach(say: (line: string) => void): (line: string) => void {
  const said = new Set<string>();
  return (line) => {
    if (!said.has(line)) say(line);
    said.add(line);
  };
}

/** The run of a cell as an orchestrator gets it. */
interface RunOfCell {
  /** Its name. */
  readonly runId: string;
  readonly spec: RunSpec;
  /** SHA-256, hex, of this spec, which has another name than that of the cell. */
  readonly digest: string;
}

/** Characters of the digest in the name of a run. */
const DIGITS = 12;

/**
 * The run of a cell. Its name has the digest of the spec of the cell, so that the same cell always has the same run, and a study whose
 * settings change has other runs. The name decides no bit of the result. Stages follow each other as in `trikd study`.
 */
export function runOfCell({ spec, digest }: Pick<Cell, 'spec' | 'digest'>): RunOfCell {
  const name = `${spec.name.slice(0, LONGEST_NAME - DIGITS - 1)}-${digest.slice(0, DIGITS)}`;
  const own: RunSpec = { ...spec, name, curriculum: { ...spec.curriculum, advance: 'automatic' } };
  return { runId: name, spec: own, digest: specDigest(own) };
}
