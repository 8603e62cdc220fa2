import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { QUICK } from '@trikd/testing/processes/cluster';
import { expect, test } from 'vitest';
import { casesOf } from './cases.js';
import { type Look, type ManyOutcome, manyRuns } from './many-runs.js';
import { scratch } from './trikd.js';

/** `make many` has 100 runs on 4 trios, and kills by the clock. */
const { RUNS, TRIOS = '2', TRIO_SECONDS = '20', LEADER_SECONDS = '60' } = process.env;
const [runs, trios] = [Number(RUNS ?? 8), Number(TRIOS)];
const MINUTES = 60_000;
const limit = RUNS === undefined ? 8 * MINUTES : 55 * MINUTES;
const timeout = limit + 2 * MINUTES;

/** A file for `trikd up --config` that makes recovery quick. */
function quickly(folder: string): string {
  const file = join(folder, 'orchestrator.yaml');
  writeFileSync(file, JSON.stringify(QUICK));
  return file;
}

/** One trio, and later one leader. */
function oneOfEach() {
  const due: ('trio' | 'leader')[] = ['trio', 'leader'];
  return ({ training, ended }: Look) => (training > 0 && ended >= 2 * (3 - due.length) ? due.shift() : undefined);
}

/** A trio every so many seconds, and the leader. */
function byTheClock() {
  const every = { trio: Number(TRIO_SECONDS), leader: Number(LEADER_SECONDS) };
  const due = { ...every };
  return ({ seconds }: Look) => {
    const what = seconds >= due.leader ? 'leader' : seconds >= due.trio ? 'trio' : undefined;
    if (what) due[what] = seconds + every[what];
    return what;
  };
}

function say({ seconds, attempts, killed, restarts }: ManyOutcome): void {
  console.log(
    `${runs} runs on ${trios} trios in ${seconds.toFixed(0)} s: ${killed.trio} trios and ${killed.leader} leaders killed, ` +
      `${restarts} services started again, ${attempts} attempts`,
  );
}

// Without processes, test/integration/many-runs.test.ts proves the order.
const undisturbed = RUNS === undefined ? casesOf([], [runs]) : [runs];
test.each(undisturbed)(
  `%i queued runs train on ${trios} trios in their order, to the digests of one process`,
  {
    timeout,
  },
  async () => {
    const outcome = await manyRuns({ folder: scratch(), runs, trios, orchestrators: 1, limit });
    say(outcome);
    expect(outcome).toMatchObject({ wrong: [], outOfOrder: [], killed: { trio: 0, leader: 0 }, restarts: 0, left: 0 });
  },
);

test(`${runs} queued runs end with the same digests while trios and leaders are killed`, { timeout }, async () => {
  const folder = scratch();
  const outcome = await manyRuns({
    ...{ folder, runs, trios, orchestrators: 2, limit },
    ...(RUNS === undefined ? { config: quickly(folder), kill: oneOfEach() } : { kill: byTheClock() }),
  });
  say(outcome);
  expect(outcome).toMatchObject({ wrong: [], left: 0 });
  expect(Math.min(outcome.killed.trio, outcome.killed.leader)).toBeGreaterThanOrEqual(1);
  expect(outcome.restarts).toBeGreaterThanOrEqual(4);
});
