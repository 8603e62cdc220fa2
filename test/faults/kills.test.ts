import { loadRun } from '@trikd/core/run/run-store';
import { RunPhase } from '@trikd/protocol/gen/node/trikd/v1/run';
import { expect, test } from 'vitest';
import { digestsOf, referenceDigests } from './digests.js';
import { dice, drawFault } from './fault-plan.js';
import { followRun } from './follow-run.js';
import { type Strike, strike } from './strike.js';
import { explained, INTERVAL, specOf, startTrio, type Trio } from './trio.js';

const FAULTS = Number(process.env['FAULTS'] ?? 60);
const SEED = Number(process.env['FAULT_SEED'] ?? Math.floor(2 ** 32 * Math.random()));
/** No new run is begun after so many seconds: what is missing then fails the test. */
const ENOUGH = 600 * Math.max(1, FAULTS / 60);

test(`${FAULTS} faults at named points change no bit`, { timeout: 1000 * (ENOUGH + 120) }, async () => {
  console.log(`seed ${SEED} (FAULT_SEED=${SEED} draws the same faults)`);
  const trio = await startTrio('minio');
  const expected = await referenceDigests(specOf('reference', trio.data));
  const draw = dice(SEED);
  const strikes: Strike[] = [];
  const runs: string[] = [];
  const story: string[] = [];
  const began = performance.now();
  let different = 0;
  await explained(trio, story, async () => {
    while (strikes.length < FAULTS && performance.now() - began < 1000 * ENOUGH) {
      const runId = `run-${runs.length}`;
      runs.push(runId);
      const following = followRun(addressesOf(trio), specOf(runId, trio.data));
      const over = following.then(() => undefined);
      while (strikes.length < FAULTS) {
        const struck = await strike(trio, runId, drawFault(draw, trio.steps.last(runId)?.generation ?? 0), over);
        if (!struck) break;
        for (const each of struck) story.push(`${strikes.push(each)} ${runId} ${sayStrike(each)}`);
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
    expect(strikes.length).toBeGreaterThanOrEqual(FAULTS);
    expect(line.longestRecovery).toBeLessThanOrEqual(10_000);
    // What was trained while a checkpoint was on its way is trained again too.
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
