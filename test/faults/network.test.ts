import { loadRun } from '@trikd/core/run/stored/run-store';
import { type Intercepted, openToxiproxy, type Toxic } from '@trikd/testing/servers/toxiproxy';
import { expect, onTestFinished, test } from 'vitest';
import { openRelay, type Relay } from '../integration/relay.js';
import { digestsOf, referenceDigests } from './digests.js';
import { dice } from './fault-plan.js';
import { followRun } from './follow-run.js';
import { LONGEST } from './longest.js';
import { explained, specOf, startTrio } from './trio.js';

const SEED = Number(process.env['FAULT_SEED'] ?? Math.floor(2 ** 32 * Math.random()));

/** What a network does for a while. */
const KINDS: Readonly<Record<string, (proxy: Intercepted) => Promise<void>>> = {
  'reset its connections': (proxy) => proxy.poison([{ type: 'reset_peer', attributes: { timeout: 0 } }], 100),
  'refused connections for 0.5 s': (proxy) => proxy.refuse(500),
  'lost everything for 0.3 s': (proxy) => proxy.poison([LOST], 300),
  // Longer than a frame is waited for.
  'lost everything for 4 s': (proxy) => proxy.poison([LOST], 4000),
  'broke connections after 20,000 bytes': (proxy) =>
    proxy.poison([{ type: 'limit_data', attributes: { bytes: 20_000 } }], 1000),
  'took 30 ms longer each way': (proxy) =>
    proxy.poison([{ type: 'latency', attributes: { latency: 30, jitter: 20 } }], 1500),
  'let 200 kB/s through, in pieces': (proxy) =>
    proxy.poison(
      [
        { type: 'slicer', attributes: { average_size: 512, size_variation: 256, delay: 10 } },
        { type: 'bandwidth', attributes: { rate: 200 } },
      ],
      1500,
    ),
};
/** Connections stay open, and are closed when it is over. */
const LOST: Toxic = { type: 'timeout', attributes: { timeout: 0 } };
/** As when the machine at the other end loses its power: only the keepalive finds out. */
const SILENCE = 'left its open connections silent';
/** Without a number, each kind comes once, soon, in short runs, and no silence, which takes half a minute: `test/e2e/bad-peers.test.ts` has one. */
const ASKED = process.env['TROUBLES'];
const TROUBLES = Number(ASKED ?? Object.keys(KINDS).length);
const ALL = ASKED === undefined ? TROUBLES : TROUBLES + 1;
const [EPOCHS, PASSES] = ASKED === undefined ? [16, 10] : [32, 40];
const TITLE = `${TROUBLES} troubles of the network${ALL > TROUBLES ? ' and an endless silence' : ''}`;

test(`${TITLE} change no bit`, async () => {
  console.log(`seed ${SEED} (FAULT_SEED=${SEED} draws the same troubles)`);
  const toxiproxy = await openToxiproxy();
  onTestFinished(toxiproxy.stop);
  const relays = new Map<string, Relay>();
  const proxies = new Map<string, Intercepted>();
  const dialled = async (model: string, address: string) => {
    const relay = await openRelay(address);
    onTestFinished(() => relay.close());
    relays.set(model, relay);
    const proxy = await toxiproxy.before(model, relay.address);
    proxies.set(model, proxy);
    return proxy.address;
  };
  const trio = await startTrio('folder', { dialled });
  const expected = await referenceDigests(specOf('reference', trio.data, EPOCHS));
  const draw = dice(SEED);
  const pick = <T>(list: readonly T[]): T => list[draw(list.length)]!;
  const kinds = Object.keys(KINDS);
  const story: string[] = [];
  let [troubles, runs, different] = [0, 0, 0];
  /** Milliseconds until both trainers trained on, by kind of trouble. */
  const longest = new Map<string, number>();
  const began = performance.now();

  /** One trouble, some steps on. False when the run ended before. */
  async function trouble(runId: string, over: Promise<undefined>): Promise<boolean> {
    let passes = 1 + draw(PASSES);
    const due = trio.steps.next((step) => {
      passes -= Number(step.runId === runId);
      return passes === 0;
    });
    if (!(await Promise.race([due, over]))) return false;
    const last = troubles === TROUBLES;
    const [model, kind] = [
      last ? 'student' : pick([...relays.keys()]),
      last ? SILENCE : kinds[troubles % kinds.length]!,
    ];
    if (last) relays.get(model)!.strand();
    else await KINDS[kind]!(proxies.get(model)!);
    const from = performance.now();
    // Messages that were on their way may still arrive.
    const back = await Promise.race([trio.steps.next((step) => step.runId === runId && step.at - from > 100), over]);
    if (back) longest.set(kind, Math.max(longest.get(kind) ?? 0, back.at - from));
    troubles += 1;
    story.push(
      `${troubles} ${runId}: the network before the ${model} ${kind}, stepping at ${back?.at} since ${from} ms`,
    );
    return true;
  }

  await explained(trio, story, async () => {
    while (troubles < ALL) {
      const runId = `run-${runs++}`;
      const following = followRun(
        trio.orchestrators.map(({ address }) => address),
        specOf(runId, trio.data, EPOCHS),
      );
      const over = following.then(() => undefined);
      while (troubles < ALL && (await trouble(runId, over)));
      await following;
      const { state } = await loadRun(await trio.openStore(), runId);
      const same = state.phase === 'completed' && digestsOf(state.results) === expected;
      different += Number(!same);
      if (!same) story.push(`${runId} ended ${state.phase}${'reason' in state ? `: ${state.reason}` : ''}`);
    }
    const rows = [...longest].map(([kind, ms]) => `${(ms / 1000).toFixed(2)} s after it ${kind}`);
    console.log(
      `${troubles} troubles of the network in ${runs} runs, seed ${SEED}: ${different} runs differ from the reference; ` +
        `stepping again at the latest ${rows.join(', ')}; ${((performance.now() - began) / 1000).toFixed(0)} s`,
    );
    expect(different).toBe(0);
    for (const [kind, ms] of longest)
      expect(ms, kind).toBeLessThanOrEqual(kind === SILENCE ? 35_000 + LONGEST : LONGEST);
  });
});
