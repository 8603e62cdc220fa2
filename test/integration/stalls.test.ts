import { type TrainedRole } from '@trikd/core/domain/position';
import type { RoleCheckpoint } from '@trikd/core/domain/role-checkpoint';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import { createFrameWindow } from '@trikd/core/exchange/frame-window';
import { decodeFrame, encodeFrame } from '@trikd/protocol/frame-codec';
import { lasting } from '@trikd/testing/clock/lasting';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { afterEach, describe, expect, test } from 'vitest';
import { frameOf, freshSocket, listenTo, attempt as ownAttempt, serve, sourceOf } from './exchange-rig.js';
import { type Link, type LinkEnd, openLink } from './raised-windows.js';
import { agreement, assignment, attempt, checkpointAt, openTrainer, until } from './trio-rig.js';

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

async function socket(): Promise<string> {
  const { address, remove } = await freshSocket();
  opened.push({ close: remove });
  return address;
}

async function link(raised: boolean): Promise<Link> {
  const made = await openLink(await socket(), raised);
  opened.push(made);
  return made;
}

/** 1024 x 1000 logits: 4 MB a frame. Two steps an epoch, two epochs. */
const spec = specFor('32 steps', {
  data: { kind: 'synthetic', classes: 1000, train: 2048, validation: 1024 },
  batchSize: 1024,
  exchange: { window: 2, stepTimeout: 3 },
});
const TOTAL_STEPS = 4;

/** 4 MB messages of both ends at once. Resolves when both have come. */
async function exchange([one, other]: readonly [LinkEnd, LinkEnd]): Promise<'both came'> {
  const message = Buffer.alloc(4_096_000);
  one.send(message);
  other.send(message);
  await Promise.all([one.next(), other.next()]);
  return 'both came';
}

describe('one connection that both ends write 4 MB to at once', () => {
  test('passes 10 of 10 with default windows', async () => {
    const { ends } = await link(false);
    for (let i = 0; i < 10; i++) expect(await exchange(ends)).toBe('both came');
  });

  // Should this ever fail, then Node.js reads again while it writes, and two connections for a pair are one too many.
  test('deadlocks if the windows of both ends are raised', async () => {
    const { ends } = await link(true);
    expect(await Promise.race([exchange(ends), lasting(2000)])).toBeUndefined();
  });
});

describe('trainers whose frames go over such a connection', () => {
  const store = memoryStore();
  const open = async (role: TrainedRole) => {
    const trainer = await openTrainer(role, store);
    opened.push(trainer);
    return trainer;
  };

  /**
   * Where each of the two finds the other, by way of a link. Both ends of it send a first frame at the same time.
   */
  async function over(
    { ends }: Link,
    at: Readonly<Record<TrainedRole, string>>,
    from: typeof attempt & { readonly step: number },
  ): Promise<Readonly<Record<TrainedRole, string>>> {
    const shared = await agreement(spec);
    let waiting = 2;
    const together = Promise.withResolvers<void>();
    const bridge = async (role: TrainedRole, peer: TrainedRole, end: LinkEnd): Promise<string> => {
      const left = new AbortController();
      const carry = async () => {
        const own = listenTo(at[role], {
          producer: role,
          consumer: peer,
          from,
          agreement: shared,
          signal: left.signal,
        });
        for await (const frame of own) {
          waiting -= 1;
          if (waiting === 0) together.resolve();
          await together.promise;
          end.send(encodeFrame(frame));
        }
      };
      const service = await serve({
        async *frames() {
          carry().catch(() => undefined);
          for (;;) yield decodeFrame(await end.next());
        },
      });
      opened.push(service, { close: () => left.abort() });
      return service.address;
    };
    return {
      student: await bridge('teacher', 'student', ends[0]),
      teacher: await bridge('student', 'teacher', ends[1]),
    };
  }

  test('notice a stall within the time of a step, by name, and end with the same state from their last checkpoint', async () => {
    const trainers = { teacher: await open('teacher'), student: await open('student') };
    const direct = { teacher: trainers.teacher.address, student: trainers.student.address };
    const assign = async (
      number: number,
      at = direct,
      limit = TOTAL_STEPS,
      resume?: Record<TrainedRole, RoleCheckpoint>,
    ) => {
      const given = { of: { ...attempt, attempt: number }, limit, trained: spec };
      await Promise.all([
        trainers.teacher.assign(
          assignment({ ...given, sources: { student: at.student }, ...(resume && { resume: resume.teacher }) }),
        ),
        trainers.student.assign(
          assignment({ ...given, sources: { teacher: at.teacher }, ...(resume && { resume: resume.student }) }),
        ),
      ]);
    };
    const checkpoints = async (number: number, step: number) => ({
      teacher: await checkpointAt(trainers.teacher, step, { ...attempt, attempt: number }),
      student: await checkpointAt(trainers.student, step, { ...attempt, attempt: number }),
    });
    const digestsOf = (pair: Awaited<ReturnType<typeof checkpoints>>) => [
      pair.teacher.state.sha256,
      pair.student.state.sha256,
    ];
    await assign(1);
    const undisturbed = await checkpoints(1, TOTAL_STEPS);
    await assign(2, direct, 2);
    const halfway = await checkpoints(2, 2);

    const third = { ...attempt, attempt: 3 };
    const detour = await over(await link(true), direct, { ...third, step: 2 });
    await assign(3, detour, TOTAL_STEPS, halfway);
    const began = performance.now();
    const failures = await Promise.allSettled(
      (['teacher', 'student'] as const).map((role) => until(trainers[role], 'resting', () => true, third)),
    );
    const noticed = performance.now() - began;
    const sentences = failures.map((each) => (each.status === 'rejected' ? String(each.reason.message) : 'none'));
    expect(sentences).toContainEqual(
      expect.stringMatching(
        /the (teacher|student) has waited 3 s for step 2 of the (student|teacher) at 127\.0\.0\.1:\d+/,
      ),
    );
    const again = performance.now();
    await assign(4, direct, TOTAL_STEPS, halfway);
    expect(digestsOf(await checkpoints(4, TOTAL_STEPS))).toEqual(digestsOf(undisturbed));
    console.info(
      `a stall was noticed after ${(noticed / 1000).toFixed(1)} s of 3 s for a step, the rest trained in ${(performance.now() - again).toFixed(0)} ms: ${sentences.join('; ')}`,
    );
    expect(noticed).toBeLessThan(1.5 * 3000);
  });
});

describe('the two streams of a pair', () => {
  const wide = { specDigest: 'aa', datasetDigest: 'bb', classes: 1000, batchSize: 1024, seed: 1 };
  // End-to-end tests do 1,000, with a process for each end.
  const EXCHANGES = 30;

  test.each([
    ['TCP', async () => '127.0.0.1:0'],
    ['Unix sockets', socket],
  ])(`carry ${EXCHANGES} exchanges of 4 MB over %s, both sides writing first`, async (_name, listen) => {
    const mouth = async (role: TrainedRole, consumer: TrainedRole) => {
      const window = createFrameWindow({ attempt: ownAttempt, firstStep: 0, size: 2, consumers: [consumer] });
      const { address } = await serve(sourceOf(window, wide), { listen: await listen() }).then(kept);
      const heard = listenTo(address, { producer: role, consumer, agreement: wide });
      return { publish: window.publish, heard, frame: frameOf(role, 0, wide) };
    };
    const mouths = [await mouth('teacher', 'student'), await mouth('student', 'teacher')];
    for (let step = 0; step < EXCHANGES; step++) {
      const position = { ...ownAttempt, step };
      await Promise.all(mouths.map(({ publish, frame }) => publish({ ...frame, position })));
      const came = await Promise.all(mouths.map(({ heard }) => heard.next()));
      for (const [i, { value }] of came.entries()) {
        expect(value?.position).toEqual(position);
        expect(Buffer.compare(bytesOf(value!), bytesOf(mouths[i]!.frame))).toBe(0);
      }
    }
    for (const { heard } of mouths) await heard.return();
  });

  const kept = <T extends { close(): unknown }>(it: T): T => {
    opened.push(it);
    return it;
  };
  const bytesOf = ({ logits: { data } }: LogitsFrame) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
});
