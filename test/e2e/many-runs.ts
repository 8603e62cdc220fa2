import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { LEASE_KEY } from '@trikd/core/run/stored/lease';
import { loadRun, type SavedRun } from '@trikd/core/run/stored/run-store';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { type Run, type RunPhase, RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import { isFinal } from '@trikd/protocol/run-phases';
import { openFolderStore } from '@trikd/store/folder-store';
import { lasting } from '@trikd/testing/clock/lasting';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { openClient, unary } from '@trikd/transport/grpc/clients';
import { type Content, contentOf, reference } from './outcome.js';
import { processesOf } from './processes.js';
import { trikd } from './trikd.js';

/** Many runs on one stack. */
export interface ManyRuns {
  /** Gets the folder of the stack. */
  readonly folder: string;
  readonly runs: number;
  readonly trios: number;
  readonly orchestrators: number;
  /** Settings of the orchestrators, as `--config` takes them. */
  readonly config?: string;
  /** Decides at each look what is killed. */
  kill?(look: Look): 'trio' | 'leader' | undefined;
  /** Milliseconds after which it has failed. */
  readonly limit: number;
}

/** How far they are. */
export interface Look {
  readonly seconds: number;
  readonly ended: number;
  readonly training: number;
}

/** What became of them. */
export interface ManyOutcome {
  readonly seconds: number;
  /** Names of runs that did not complete, or with other digests than the reference. */
  readonly wrong: readonly string[];
  /** Runs that got their first trio before one that was created earlier. */
  readonly outOfOrder: readonly string[];
  readonly attempts: number;
  readonly killed: Readonly<Record<'trio' | 'leader', number>>;
  /** Processes that the stack has left behind. */
  readonly left: number;
  /** What the stack said about services that it started again. */
  readonly restarts: number;
}

/** Seeds of the runs: those with the same one must end with the same digests, whatever they are called. */
const SEEDS = 4;
/** Between two looks, in milliseconds. */
const LOOK = 250;

const nameOf = (index: number) => `run-${String(index).padStart(3, '0')}`;

/** Two stages of 16 steps. */
const specOf = (index: number): WrittenSpec =>
  writtenSpec('two stages', { name: nameOf(index), seed: index % SEEDS, epochs: 2, engine: { threads: 1 } });

/** Creates all runs at once and waits for their end. */
export async function manyRuns(campaign: ManyRuns): Promise<ManyOutcome> {
  const { folder, runs, trios, orchestrators, config, kill = () => undefined, limit } = campaign;
  const began = performance.now();
  const stackFolder = join(folder, 'stack');
  const counts = ['--trios', String(trios), '--orchestrators', String(orchestrators)];
  const more = config === undefined ? [] : ['--config', config];
  const stack = trikd(['up', '--store', stackFolder, '--listen', '127.0.0.1:0', '-o', 'json', ...counts, ...more]);
  const listening = await stack.said(({ event }) => event === 'listening');
  const asking = clientsOf(listening['orchestrators']);
  const killed = { trio: 0, leader: 0 };
  const store = await openFolderStore(join(stackFolder, 'store'));
  try {
    for (let index = 0; index < runs; index += 1) await asking.create(specOf(index));
    let ended = 0;
    while (ended < runs) {
      await lasting(LOOK);
      const seconds = (performance.now() - began) / 1000;
      if (1000 * seconds > limit) throw new Error(`${ended} of ${runs} runs have ended after ${seconds.toFixed(0)} s`);
      const phases = await asking.phases();
      ended = [...phases.values()].filter(isFinal).length;
      const training = [...phases.values()].filter((phase) => phase === TRAINING).length;
      const what = ended < runs ? kill({ seconds, ended, training }) : undefined;
      if (what === 'trio') killTrio(stackFolder, 1 + (killed.trio % trios));
      if (what === 'leader') killLeader(await store.get(LEASE_KEY));
      if (what) killed[what] += 1;
    }
  } finally {
    asking.close();
    stack.kill('SIGINT');
  }
  const { stderr } = await stack.ended;
  const saved = await Promise.all(Array.from({ length: runs }, (_, index) => loadRun(store, nameOf(index))));
  const expected = await Promise.all(Array.from({ length: SEEDS }, (_, seed) => reference(specOf(seed))));
  return {
    seconds: (performance.now() - began) / 1000,
    wrong: saved.filter((run) => !isAsExpected(run, expected)).map(({ spec }) => spec.name),
    outOfOrder: outOfOrder(saved),
    attempts: saved.reduce((sum, { state }) => sum + state.attempt, 0),
    killed,
    left: processesOf(stackFolder).length,
    restarts: stderr.match(/starting again in/g)?.length ?? 0,
  };
}

const TRAINING: RunPhase = 2;

/** Asks any orchestrator that answers: one that was killed is away for a moment. */
function clientsOf(addresses: unknown) {
  const clients = (Array.isArray(addresses) ? addresses : []).map((address) =>
    openClient(RunServiceClient, String(address)),
  );
  const ask = async <T>(work: (client: RunServiceClient) => Promise<T>): Promise<T> => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await work(clients[tries % clients.length]!);
      } catch (error) {
        if (tries >= 60) throw error;
        await lasting(LOOK);
      }
    }
  };
  const what = { what: 'the orchestrator', deadlineSeconds: 20 };
  return {
    create: (spec: WrittenSpec) => {
      const request = {
        spec: JSON.stringify(RunSpec.parse(spec)),
        requestId: spec.name,
        takeOver: false,
        placement: undefined,
        team: '',
      };
      return ask((client) => unary(client.createRun.bind(client), request, what));
    },
    phases: async () => {
      const request = { pageSize: 1000, pageToken: '', phases: [] };
      const { runs } = await ask((client) => unary(client.listRuns.bind(client), request, what));
      return new Map(runs.map(({ runId, phase }: Run) => [runId, phase]));
    },
    close: () => {
      for (const client of clients) client.close();
    },
  };
}

function killTrio(folder: string, number: number): void {
  for (const { pid } of processesOf(join(folder, 'logs', `trio-${number}`))) process.kill(pid, 'SIGKILL');
}

/** The lease names the process that leads. */
function killLeader(lease: { readonly bytes: Uint8Array } | undefined): void {
  const [, pid] = /"orchestrator (\d+) on/.exec(lease ? Buffer.from(lease.bytes).toString() : '') ?? [];
  if (pid === undefined) return;
  try {
    process.kill(Number(pid), 'SIGKILL');
  } catch {
    // It was killed just before, and no other has been elected yet.
  }
}

function isAsExpected({ spec, state }: SavedRun, expected: readonly (readonly Content[])[]): boolean {
  return state.phase === 'completed' && isDeepStrictEqual(contentOf(state.results), expected[spec.seed]);
}

/** Trios that become free together are given out together: the times of two runs then say nothing of their order. */
const TOGETHER_MS = 500;

/** The last time that a run left the queue; in an undisturbed campaign there is only one. */
function outOfOrder(runs: readonly SavedRun[]): readonly string[] {
  let newest = '';
  return runs.flatMap(({ spec, times }) => {
    const left = times.changed.Queued ?? '';
    if (Date.parse(left) < Date.parse(newest) - TOGETHER_MS) return [spec.name];
    if (left < newest) return [];
    newest = left;
    return [];
  });
}
