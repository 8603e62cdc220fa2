import { loadRun } from '@trikd/core/run/stored/run-store';
import type { FaultPoint } from '@trikd/process/fault-points';
import type { ClusterEvent, ServiceUnderTest } from '@trikd/testing/processes/cluster';
import type { Fault } from '@trikd/testing/processes/fault-agent';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import { digestsOf, referenceDigests } from './digests.js';
import { dice, shuffled } from './fault-plan.js';
import { followRun } from './follow-run.js';
import { explained, INTERVAL, startTrio, type Trio } from './trio.js';

/** How often a replica is killed in the run. By default once at each place. */
const KILLS = process.env['KILLS'];
const SEED = Number(process.env['FAULT_SEED'] ?? Math.floor(2 ** 32 * Math.random()));

/** Two stages of 256 steps; without a number, of 64. */
const STAGES = 2;
const STEPS = KILLS === undefined ? 64 : 256;
const specNamed = (name: string) => writtenSpec('1024 images', { name, epochs: STEPS / 8, student: { replicas: 2 } });

/** Where the first replica, which is the trainer itself, and the second one are killed. */
const PLACES: readonly (readonly [rank: 0 | 1, point: FaultPoint])[] = [
  [0, 'step.trained'],
  [1, 'replica.stepping'],
  [1, 'replica.shared'],
  [1, 'replica.updating'],
  [1, 'replica.updated'],
];

interface PlannedKill {
  readonly rank: 0 | 1;
  readonly fault: Fault & { readonly where: { readonly stage: number; readonly step: number } };
}

/** So many kills at steps that are drawn, each at another one, in the order of the run: all of them happen. */
function drawnKills(count: number, draw: (bound: number) => number): readonly PlannedKill[] {
  const steps = shuffled(
    draw,
    Array.from({ length: STAGES * STEPS }, (_, step) => step),
  );
  const places = shuffled(
    draw,
    Array.from({ length: count }, (_, index) => PLACES[index % PLACES.length]!),
  );
  return steps
    .slice(0, count)
    .sort((a, b) => a - b)
    .map((step, id) => {
      const [rank, point] = places[id]!;
      const where = { stage: Math.floor(step / STEPS), step: step % STEPS };
      return { rank, fault: { id, point, where, nth: 1, signal: 'SIGKILL' } };
    });
}

/** A kill that happened. */
interface Kill {
  readonly text: string;
  /** Milliseconds until both trainers trained on. */
  readonly recoveryMs: number;
}

/** Waits until a replica has been killed and the run trains on. @throws when the run ends before */
async function kill(trio: Trio, runId: string, { rank, fault }: PlannedKill, over: Promise<never>): Promise<Kill> {
  const victim = (rank === 0 ? trio.student : trio.replicas[0]) as ServiceUnderTest;
  const isHit = (event: ClusterEvent): event is ClusterEvent =>
    event.kind === 'reported' && event.report.kind === 'hit' && event.report.fault.id === fault.id;
  const hit = trio.until(isHit);
  const ended = victim.ended();
  victim.arm(fault);
  const { at } = await Promise.race([hit, over]);
  const attempts = trio.steps.replays(runId).length;
  const back = await Promise.race([trio.steps.next(() => trio.steps.replays(runId).length > attempts), over]);
  await ended;
  const { stage, step } = fault.where;
  const place = `${victim.name} at ${fault.point} of step ${step} of stage ${stage}`;
  const recoveryMs = back.at - at;
  return { text: `${place}: back after ${(recoveryMs / 1000).toFixed(2)} s`, recoveryMs };
}

const count = Number(KILLS ?? PLACES.length);

test(`one of two replicas killed ${count} times changes no bit`, { timeout: 1000 * (120 + 30 * count) }, async () => {
  console.log(`seed ${SEED} (FAULT_SEED=${SEED} draws the same kills)`);
  const trio = await startTrio('folder', { orchestrators: 1, replicas: 1 });
  const spec = specNamed('replicas');
  const expected = await referenceDigests(spec);
  const story: string[] = [];
  const recoveries: number[] = [];
  const began = performance.now();
  await explained(trio, story, async () => {
    const kills = drawnKills(count, dice(SEED));
    const following = followRun(
      trio.orchestrators.map(({ address }) => address),
      spec,
    );
    const over = following.then(({ failure }): never => {
      throw new Error(`the run ended after ${story.length} kills: ${failure}`);
    });
    over.catch(() => undefined);
    for (const each of kills) {
      const { text, recoveryMs } = await kill(trio, spec.name, each, over);
      story.push(text);
      recoveries.push(recoveryMs);
    }
    await following;
    const { state } = await loadRun(await trio.openStore(), spec.name);
    expect(digestsOf(state.results)).toBe(expected);
  });
  const lives = trio.student!.lives() + trio.replicas[0]!.lives() - 2;
  expect(lives).toBe(count);
  const sorted = recoveries.sort((a, b) => a - b);
  const replayed = Math.max(...trio.steps.replays(spec.name).map(({ steps }) => steps));
  console.log(
    `${count} replicas killed, seed ${SEED}: the same bits; stepping again after ${seconds(sorted[sorted.length >> 1]!)} (median), ` +
      `${seconds(sorted.at(-1)!)} (longest); steps replayed at most ${replayed}, with a checkpoint every ${INTERVAL}; ` +
      `the run took ${seconds(performance.now() - began)}`,
  );
});

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
