import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Metadata } from '@grpc/grpc-js';
import { RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import { createClient } from '@trikd/transport/grpc/channel';
import type { Tally } from './attack.js';
import type { AttackedCluster } from './attacked-cluster.js';
import type { Order } from './attacker.js';

/** What an attack did to services that train. */
export interface Damage extends Tally {
  /** Median step before the attack, and while it went on, in milliseconds. */
  readonly stepBefore: number;
  readonly stepDuring: number;
  /** Median step beside a process that attacks nothing and uses as much processor time; absent in a short test. */
  readonly stepBesideBusyLoop?: number;
  /** The longest that RunService took to answer a call on a new connection, in seconds. */
  readonly slowestAnswer: number;
  /** Memory of all services together at its most, less that before the attack, in MB. */
  readonly grownMb: number;
  /** Processor time of the attacker and of the orchestrator meanwhile, in cores. */
  readonly attackerCores: number;
  readonly orchestratorCores: number;
}

const ATTACKER = fileURLToPath(new URL('attacker.ts', import.meta.url));
/** The attacker's own cap, in MB. */
const ATTACKER_HEAP = 256;
const PROBE_MS = 200;
const LONGEST_ANSWER_MS = 30_000;

/** Attacks services that train for some seconds, and measures. @param control whether a busy loop is measured afterwards */
export async function underAttack(
  cluster: AttackedCluster,
  attack: string,
  seconds: number,
  control: boolean,
): Promise<Damage> {
  const { target, steps } = cluster;
  const pids = cluster.services.map(({ pid }) => pid());
  const medianWhile = async (work: () => Promise<unknown>) => {
    const from = Date.now();
    await work();
    return medianGap(steps.since(from));
  };
  const stepBefore = await medianWhile(() => pause(1000 * Math.max(2, seconds / 4)));
  const memoryBefore = megabytesOf(pids);
  let most = memoryBefore;
  let slowestAnswer = 0;
  const over = new AbortController();
  const probe = async () => {
    while (!over.signal.aborted) {
      slowestAnswer = Math.max(slowestAnswer, await answerSeconds(target.orchestrator, target.runId));
      most = Math.max(most, megabytesOf(pids));
      await pause(PROBE_MS);
    }
  };
  const probed = probe();
  let report: Tally & { readonly cpuSeconds: number } = { attempts: 0, answers: {}, cpuSeconds: 0 };
  const orchestrator = cluster.orchestrators[0]?.pid() ?? 0;
  const usedBefore = cpuSecondsOf(orchestrator);
  const stepDuring = await medianWhile(async () => {
    report = await attackWith({ attack, seconds, target });
  });
  const orchestratorCores = (cpuSecondsOf(orchestrator) - usedBefore) / seconds;
  over.abort();
  await probed;
  const attackerCores = report.cpuSeconds / seconds;
  const beside = control
    ? await medianWhile(() => attackWith({ attack: 'busy-loop', seconds: seconds / 4, target, share: attackerCores }))
    : undefined;
  const { attempts, answers } = report;
  return {
    ...{
      attempts,
      answers,
      stepBefore,
      stepDuring,
      slowestAnswer,
      attackerCores,
      orchestratorCores,
      grownMb: most - memoryBefore,
    },
    ...(beside !== undefined && { stepBesideBusyLoop: beside }),
  };
}

/** Runs an attacker to its end. */
async function attackWith(order: Order): Promise<Tally & { readonly cpuSeconds: number }> {
  const args = ['--no-warnings', `--max-old-space-size=${ATTACKER_HEAP}`, ATTACKER, JSON.stringify(order)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (part) => {
    text += part;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`the attacker ended with ${code}`);
  return JSON.parse(text);
}

/** How long RunService takes to answer GetRun on a new connection, in seconds. A refusal is no answer. */
async function answerSeconds(address: string, runId: string): Promise<number> {
  const client = createClient(RunServiceClient, address, { 'grpc.use_local_subchannel_pool': 1 });
  const from = performance.now();
  try {
    await new Promise<void>((resolve, reject) => {
      const options = { deadline: Date.now() + LONGEST_ANSWER_MS };
      client.getRun({ runId }, new Metadata(), options, (error: Error | null) => (error ? reject(error) : resolve()));
    });
    return (performance.now() - from) / 1000;
  } catch (error) {
    console.log(`RunService did not answer: ${error instanceof Error ? error.message : error}`);
    return LONGEST_ANSWER_MS / 1000;
  } finally {
    client.close();
  }
}

function medianGap(times: readonly number[]): number {
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? time));
  return gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? Number.NaN;
}

/** Ticks of /proc in a second. */
const TICKS = 100;

/** Processor time that a process has used. */
function cpuSecondsOf(pid: number): number {
  // The name of the process, in parentheses, may have spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Memory that processes have for themselves, in MB. */
function megabytesOf(pids: readonly number[]): number {
  const kilobytes = pids.map((pid) => {
    const found = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(found?.[1] ?? 0);
  });
  return kilobytes.reduce((sum, each) => sum + each, 0) / 1024;
}
