import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { readPointer } from '@trikd/core/run/stored/anchor-pointer';
import { loadRun } from '@trikd/core/run/stored/run-store';
import { openFolderStore } from '@trikd/store/folder-store';
import { lasting } from '@trikd/testing/clock/lasting';
import { type ClusterEvent, startCluster } from '@trikd/testing/processes/cluster';
import type { Fault } from '@trikd/testing/processes/fault-agent';
import { hears } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { expect, onTestFailed, onTestFinished, test } from 'vitest';
import { scratch } from '../e2e/trikd.js';
import { type ToyWorld, toyAnchor, toyTrainer } from '../integration/orchestrator-doubles.js';
import { digestsOf } from './digests.js';
import { dice } from './fault-plan.js';
import { followRun } from './follow-run.js';
import { PROMOTION_PATH, STEPS } from './promotion-path.js';
import type { ReaderReport } from './store-reader.js';

const SEED = Number(process.env['FAULT_SEED'] ?? Math.floor(2 ** 32 * Math.random()));

/** Without a number, a leader is struck once at each point of the path, in short runs. */
const ASKED = process.env['ROUNDS'];
const ROUNDS = Number(ASKED ?? PROMOTION_PATH.length);
const STAGES = ASKED === undefined ? 10 : 25;

const LEASE = 0.4;

const specOf = (name: string) =>
  writtenSpec('bare', {
    name,
    epochs: STEPS,
    student: { objective: hears() },
    teacher: { objective: hears() },
    checkpoint: { everyEpochs: 1 },
    curriculum: { generations: STAGES },
  });

/** Scores rise, and never beyond 1. */
const world: ToyWorld = {
  accuracyAt: (_role, stage, step) => 0.5 + stage / 100 + step / 1000,
};

/** A process that reads the whole store all the time. */
function startReader(folder: string) {
  const program = fileURLToPath(new URL('store-reader.ts', import.meta.url));
  const child = spawn(process.execPath, [program, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = text(child.stdout);
  return {
    report: async (): Promise<ReaderReport> => {
      child.stdin.end();
      return JSON.parse(await said);
    },
  };
}

test(`of ${ROUNDS} leaders struck on the path of a promotion none promotes twice, and no promotion is lost`, async () => {
  console.log(`seed ${SEED} (FAULT_SEED=${SEED} draws the same faults)`);
  const folder = scratch();
  const path = join(folder, 'store');
  const store = await openFolderStore(path);
  const [teacher, student, anchor] = await Promise.all([
    toyTrainer('teacher', store, world),
    toyTrainer('student', store, world),
    toyAnchor(),
  ]);
  for (const { close } of [teacher, student, anchor]) onTestFinished(close);
  const models = { teacher: teacher.address, student: student.address, anchor: anchor.address };
  const hits = new Map<number, (service: string) => void>();
  const onEvent = (event: ClusterEvent) => {
    if (event.kind === 'reported' && event.report.kind === 'hit') hits.get(event.report.fault.id)?.(event.service);
  };
  const settings = {
    retries: 1000,
    times: {
      answer: 3,
      prepare: 3,
      lease: LEASE,
      look: 0.05,
      patience: 1,
      grace: 0.1,
      firstRetry: 0.01,
      longestRetry: 0.1,
    },
  };
  const cluster = await startCluster({
    folder: join(folder, 'logs'),
    store: { path },
    models,
    settings,
    faults: true,
    onEvent,
  });
  onTestFinished(() => cluster.stop());
  const addresses = cluster.orchestrators.map(({ address }) => address);
  await followRun(addresses, specOf('calm'));
  const calm = digestsOf((await loadRun(store, 'calm')).state.results);

  const reader = startReader(path);
  const draw = dice(SEED);
  const story: string[] = [];
  onTestFailed(() => console.log(story.join('\n')));
  let [rounds, stopped, runs, double, lost, different] = [0, 0, 0, 0, 0, 0];
  const began = performance.now();

  /** Strikes the leader. Undefined when the run ended before. */
  async function round(runId: string, over: Promise<undefined>): Promise<true | undefined> {
    const [point, where] = PROMOTION_PATH[rounds % PROMOTION_PATH.length]!;
    const signal = draw(10) === 0 ? 'SIGSTOP' : 'SIGKILL';
    const nth = point.startsWith('lease') ? 1 + draw(3) : 1;
    const fault: Fault = { id: rounds + runs * 10_000, point, nth, signal, ...(where && { where }) };
    const { promise: hit, resolve } = Promise.withResolvers<string>();
    hits.set(fault.id, resolve);
    for (const each of cluster.orchestrators) each.arm(fault);
    const name = await Promise.race([hit, over]);
    for (const each of cluster.orchestrators) each.disarm();
    if (name === undefined) return undefined;
    rounds += 1;
    story.push(`${rounds} ${runId} ${name} ${signal} at ${point}`);
    const struck = cluster.orchestrators.find((each) => each.name === name)!;
    if (signal === 'SIGSTOP') {
      stopped += 1;
      // Another orchestrator leads when it wakes up.
      await lasting(2500 * LEASE);
      struck.signal('SIGCONT');
    } else await struck.ended();
    // At times the next one dies before this one is back.
    if (draw(4) > 0) await Promise.race([struck.listening(), over]);
    return true;
  }

  while (rounds < ROUNDS) {
    const runId = `run-${runs++}`;
    const following = followRun(addresses, specOf(runId));
    const over = following.then(() => undefined);
    while (rounds < ROUNDS && (await round(runId, over)));
    await following;
    const { state } = await loadRun(store, runId);
    const pointer = await readPointer(store, runId);
    const missing = STAGES - 1 - (pointer?.moves ?? 0);
    double += Math.max(0, -missing);
    lost += Math.max(0, missing);
    const same = state.phase === 'completed' && digestsOf(state.results) === calm;
    different += Number(!same);
    if (!same)
      story.push(
        `${runId} ended ${state.phase} ${'reason' in state ? state.reason : ''} ${digestsOf(state.results)}`.slice(
          0,
          5000,
        ),
      );
  }
  const { looks, manifests, blobs, strays, violations } = await reader.report();
  const seconds = (performance.now() - began) / 1000;
  console.log(
    `${rounds} leaders struck at ${PROMOTION_PATH.length} places of the promotion path (${rounds - stopped} killed, ${stopped} ` +
      `stopped for longer than their lease) in ${runs} runs of ${STAGES} stages, seed ${SEED}: ${double} double, ` +
      `${lost} lost promotions, ${different} runs differ from the undisturbed one; a reader saw ${violations.length} ` +
      `violations in ${looks} looks at ${manifests} manifests and ${blobs} blobs, and ${strays} manifests of frozen leaders that no state names; ${seconds.toFixed(0)} s`,
  );
  expect(violations).toEqual([]);
  expect({ double, lost, different }).toEqual({ double: 0, lost: 0, different: 0 });
  expect(looks).toBeGreaterThan(rounds);
});
