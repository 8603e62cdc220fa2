import { loadRun } from '@trikd/core/run/stored/run-store';
import { RunPhase } from '@trikd/protocol/gen/node/trikd/v1/run';
import { expect, test } from 'vitest';
import { digestsOf, referenceDigests } from './digests.js';
import { dice, drawnFaults, faultAtEveryPoint } from './fault-plan.js';
import { followRun } from './follow-run.js';
import { LONGEST } from './longest.js';
import { type Strike, strike } from './strike.js';
import { explained, INTERVAL, specOf, startTrio, type Trio } from './trio.js';

/** So many faults are drawn; without a number, one strikes at every point. */
const FAULTS = process.env['FAULTS'];
const SEED = Number(process.env['FAULT_SEED'] ?? Math.floor(2 ** 32 * Math.random()));
/** No run begins after so many seconds: the faults that are missing then fail the test. */
const ENOUGH = 600 * Math.max(1, Number(FAULTS ?? 0) / 60);
/** Of a stage: without a number of faults, runs are short. */
const EPOCHS = FAULTS === undefined ? 16 : 32;
const TITLE = FAULTS === undefined ? 'a fault at every named point changes' : `${FAULTS} faults at named points change`;

test(`${TITLE} no bit`, { timeout: 1000 * (ENOUGH + 120) }, async () => {
  console.log(`seed ${SEED} (FAULT_SEED=${SEED} draws the same faults)`);
  const trio = await startTrio('minio');
  const expected = await referenceDigests(specOf('reference', trio.data, EPOCHS));
  const draw = dice(SEED);
  const plan = FAULTS === undefined ? faultAtEveryPoint(draw) : drawnFaults(Number(FAULTS), draw);
  const strikes: Strike[] = [];
  const runs: string[] = [];
  const story: string[] = [];
  const began = performance.now();
  let different = 0;
  await explained(trio, story, async () => {
    while (plan.left > 0 && performance.now() - began < 1000 * ENOUGH) {
      const runId = `run-${runs.length}`;
      runs.push(runId);
      const following = followRun(addressesOf(trio), specOf(runId, trio.data, EPOCHS));
      const over = following.then(() => undefined);
      while (plan.left > 0) {
        const struck = await strike(trio, runId, plan.next(trio.steps.last(runId)?.stage ?? 0), over);
        if (!struck) break;
        for (const each of struck) {
          story.push(`${strikes.push(each)} ${runId} ${sayStrike(each)}`);
          plan.happened(each.planned);
        }
      }
      const run = await following;
      const { state } = await loadRun(await trio.openStore(), runId);
      const same = run.phase === RunPhase.RUN_PHASE_COMPLETED && digestsOf(state.results) === expected;
      if (!same) story.push(`${runId} ended ${state.phase}: ${run.failure}`, digestsOf(state.results), expected);
      different += Number(!same);
    }
    const line = summaryOf(strikes, runs.length, different, (performance.now() - began) / 1000);
    console.log(line.text);
    expect(different).toBe(0);
    expect(plan.left).toBeLessThanOrEqual(0);
    expect(line.longestRecovery).toBeLessThanOrEqual(LONGEST);
    // Steps trained while a checkpoint was being stored are repeated too.
    expect(line.mostReplayed).toBeLessThan(2 * INTERVAL);
  });
});

function summaryOf(strikes: readonly Strike[], runs: number, different: number, seconds: number) {
  const recoveries = strikes.flatMap(({ recoveryMs }) => recoveryMs ?? []).sort((a, b) => a - b);
  const [alone, inRow] = [true, false].map((isAlone) =>
    strikes.filter((each) => each.alone === isAlone).flatMap(({ replays }) => replays),
  );
  const longestRecovery = Math.max(0, ...recoveries);
  const mostReplayed = Math.max(0, ...alone!);
  const middle = recoveries[Math.floor(recoveries.length / 2)] ?? 0;
  const signals = (['SIGKILL', 'SIGSTOP', 'SIGTERM'] as const).map(
    (signal) => `${strikes.filter(({ planned }) => planned.signal === signal).length} ${signal}`,
  );
  const points = new Set(strikes.map(({ planned: { victim, point } }) => `${victim} ${point}`)).size;
  const text =
    `${strikes.length} faults (${signals.join(', ')}) at ${points} places in ${runs} runs, seed ${SEED}: ` +
    `${different} runs differ from the reference; stepping again after ${(middle / 1000).toFixed(2)} s (median), ` +
    `${(longestRecovery / 1000).toFixed(2)} s (longest of ${recoveries.length}); steps replayed at most ${mostReplayed}, ` +
    `after two faults in a row ${Math.max(0, ...inRow!)}, with a checkpoint every ${INTERVAL}; ${seconds.toFixed(0)} s`;
  return { text, longestRecovery, mostReplayed };
}

const addressesOf = ({ orchestrators }: Trio) => orchestrators.map(({ address }) => address);

function sayStrike({ planned, service, recoveryMs, replays }: Strike): string {
  const { signal, stopMs, point, nth } = planned;
  const how = signal === 'SIGSTOP' ? `${signal} for ${stopMs} ms` : signal;
  const back = recoveryMs === undefined ? '' : `, back after ${(recoveryMs / 1000).toFixed(2)} s`;
  return `${service} ${how} at ${point} (${nth})${back}, replayed ${replays.join(', ') || 'nothing'}`;
}
