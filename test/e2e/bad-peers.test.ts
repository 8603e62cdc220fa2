import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import type { ServiceName } from '@trikd/process/service-process';
import { fromSubscription } from '@trikd/protocol/convert';
import { ExchangeServiceClient } from '@trikd/protocol/gen/node/trikd/v1/exchange';
import { lasting } from '@trikd/testing/clock/lasting';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openRelay } from '../integration/relay.js';
import { ALL_CASES, casesOf } from './cases.js';
import { type ExchangeEnd, startEnd, startPair } from './exchange-ends.js';
import { reference, resultOf } from './outcome.js';
import { pidOf } from './processes.js';
import { type Line, scratch, startRun } from './trikd.js';

const tiny = writtenSpec('two stages');

const MIB = 2 ** 20;
/** 4 MB of logits a frame. */
const WIDE = [1024, 1000] as const;

/** Stops a process in the middle of whatever it does, until it is let go. */
function freeze(pid: number): () => void {
  process.kill(pid, 'SIGSTOP');
  return () => void process.kill(pid, 'SIGCONT');
}

/** Resolves when a producer has published nothing for a second, with the most memory that it was seen with. */
async function untilItWaits(producer: ExchangeEnd): Promise<number> {
  let [last, most] = [-1, 0];
  await expect
    .poll(
      async () => {
        const { published = 0, rss = 0 } = await producer.ask({ do: 'report' });
        most = Math.max(most, rss);
        const waits = published === last;
        last = published;
        return waits;
      },
      { interval: 1000, timeout: 30_000 },
    )
    .toBe(true);
  return most;
}

const EXCHANGES = ALL_CASES ? 1000 : 100;

describe(`${EXCHANGES} exchanges of 4 MB between two processes, both writing first,`, () => {
  type Listen = readonly [transport: string, () => readonly [string, string]];
  const tcp: Listen = ['TCP', () => ['127.0.0.1:0', '127.0.0.1:0']];
  const sockets: Listen = [
    'Unix sockets',
    () => {
      const folder = scratch();
      return [`unix:${join(folder, 'teacher')}`, `unix:${join(folder, 'student')}`];
    },
  ];
  test.each(casesOf([tcp], [sockets]))('never hang over %s', async (name, listen) => {
    const { teacher, student } = await startPair(WIDE, listen());
    const ends = await Promise.all([teacher, student].map((end) => end.ask({ do: 'exchange', steps: EXCHANGES })));
    console.info(`${name}: ${EXCHANGES} exchanges of 4 MB, ${((ends[0]?.ms ?? 0) / 1000).toFixed(2)} ms each`);
    expect(ends.map(({ taken }) => taken)).toEqual([EXCHANGES, EXCHANGES]);
  });
});

describe('a reader that is frozen', () => {
  test('costs its producer a bounded memory, and afterwards takes the same frames', async () => {
    const { teacher, student } = await startPair(WIDE);
    const warm = teacher.ask({ do: 'publish', steps: 50 });
    await student.ask({ do: 'take', steps: 50 });
    await warm;
    const { rss: before = 0 } = await teacher.ask({ do: 'report' });
    const taking = student.ask({ do: 'take', steps: 150 });
    const thaw = freeze(student.pid);
    const publishing = teacher.ask({ do: 'publish', steps: 150 });
    const most = await untilItWaits(teacher);
    const { published = 0 } = await teacher.ask({ do: 'report' });
    console.info(
      `a frozen reader: ${((most - before) / MIB).toFixed(0)} MiB more, ${published - 50} frames of 4 MB under way`,
    );
    expect(most - before).toBeLessThan(64 * MIB);
    expect(published).toBeLessThan(200);
    thaw();
    await publishing;
    expect((await taking).taken).toBe(200);
  });
});

describe('clients that open streams and read nothing', () => {
  test('cost a producer no more than a frame each, and its peer nothing', async () => {
    const DEAF = 20;
    const { teacher, student, at } = await startPair(WIDE);
    const exchange = (steps: number) =>
      Promise.all([teacher, student].map((end) => end.ask({ do: 'exchange', steps })));
    await exchange(50);
    const { rss: before = 0 } = await teacher.ask({ do: 'report' });
    const clients = Array.from({ length: DEAF }, () => {
      const client = new ExchangeServiceClient(at.teacher, credentials.createInsecure());
      client.streamLogits(asking).on('error', () => undefined);
      onTestFinished(() => client.close());
      return client;
    });
    await exchange(50);
    const { rss = 0 } = await teacher.ask({ do: 'report' });
    console.info(`${clients.length} clients that read nothing: ${((rss - before) / MIB).toFixed(0)} MiB more`);
    expect(rss - before).toBeLessThan((DEAF * 4 + 64) * MIB);
  });

  const agreement = { specDigest: '', datasetDigest: '', classes: WIDE[1], batchSize: WIDE[0], seed: 0 };
  const from = { runId: 'e2e', stage: 0, attempt: 1, step: 48 };
  const asking = fromSubscription({ consumer: 'anchor', producer: 'teacher', from, agreement, secret: SECRET });
});

// test/faults/network.test.ts leaves connections silent between services that train.
test.each(casesOf([], ['disappears']))(
  'a machine that %s is detected by keepalive, and its frames go on over the next connection',
  async () => {
    const [teacher, student] = [startEnd(16, 10), startEnd(16, 10)];
    const { address = '' } = await teacher.ask({ do: 'serve', role: 'teacher', listen: '127.0.0.1:0' });
    const relay = await openRelay(address);
    onTestFinished(() => relay.close());
    await student.ask({ do: 'hear', peer: 'teacher', address: relay.address, stepTimeout: 60 });
    const publishing = teacher.ask({ do: 'publish', steps: 4 });
    await student.ask({ do: 'take', steps: 4 });
    await publishing;
    relay.strand();
    const from = performance.now();
    const rest = teacher.ask({ do: 'publish', steps: 4 });
    const { taken } = await student.ask({ do: 'take', steps: 4 });
    await rest;
    console.info(`a silent connection was given up after ${((performance.now() - from) / 1000).toFixed(1)} s`);
    expect(taken).toBe(8);
    expect(relay.connections).toBe(2);
  },
);

describe('a service that is frozen in the middle of a run', () => {
  const spec: WrittenSpec = {
    ...tiny,
    name: 'frozen',
    epochs: 60,
    checkpoint: { everyEpochs: 20 },
    exchange: { stepTimeout: 2 },
  };
  const undisturbed = reference(spec);
  const validated = (stage: number, step: number) => (line: Line) =>
    line.event === 'evaluation' && line.stage === stage && line.step === step;

  type Freeze = readonly [ServiceName, stage: number, step: number, seconds: number];
  type Freezes = readonly [freezes: readonly Freeze[], attempts: number];
  const freezes = casesOf<Freezes>(
    [
      [
        [
          ['teacher-trainer', 0, 184, 4],
          // In the meantime the anchor of the next generation is to be loaded.
          ['anchor-server', 0, 464, 4],
        ],
        2,
      ],
    ],
    [
      [[['anchor-server', 0, 464, 5]], 1],
      [[['student-trainer', 0, 24, 1]], 1],
      [[['student-trainer', 1, 184, 5]], 2],
      [[['orchestrator', 1, 24, 5]], 1],
    ],
  );
  test.for(freezes)(
    'costs time, and an attempt if a step was to be made: %j, %i attempts',
    async ([moments, attempts]) => {
      const folder = scratch();
      const running = startRun(folder, spec);
      for (const [service, stageIndex, step, seconds] of moments) {
        await running.said(validated(stageIndex, step));
        const thaw = freeze(pidOf(service, folder));
        await lasting(1000 * seconds);
        thaw();
      }
      const ended = await running.ended;
      expect(ended).toMatchObject({ status: 0 });
      expect(resultOf(ended)).toEqual({ phase: 'completed', stages: await undisturbed });
      const begun = ended.stdout.matchAll(/^\{"event":"run",.*"attempt":(\d+)/gm);
      expect(Math.max(...[...begun].map(([, attempt]) => Number(attempt)))).toBe(attempts);
    },
  );
});
