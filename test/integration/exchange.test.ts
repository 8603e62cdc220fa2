import { once } from 'node:events';
import { createServer } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TrainedRole } from '@trikd/core/domain/position';
import { checkFrame } from '@trikd/core/exchange/check-frame';
import { ALL_LOGITS } from '@trikd/core/exchange/frame';
import { createFrameWindow, type FrameWindow } from '@trikd/core/exchange/frame-window';
import type { Service } from '@trikd/transport/nest/create-service';
import { afterEach, describe, expect, test } from 'vitest';
import { agreement, attempt, frameOf, freshSocket, listenTo, serve, sourceOf } from './exchange-rig.js';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

async function served(...args: Parameters<typeof serve>): Promise<Service> {
  const service = await serve(...args);
  opened.push(service);
  return service;
}

const windowFor = (consumers: readonly TrainedRole[], size = 4) =>
  createFrameWindow({ attempt, firstStep: 0, size, consumers });

/** The teacher's frames of so many steps, as fast as they are taken. */
async function produce(window: FrameWindow, steps: number): Promise<void> {
  for (let step = 0; step < steps; step++) await window.publish(frameOf('teacher', step));
}

describe('two services', () => {
  test.each([1, 4])('exchange 200 steps in lockstep with a window of %i', async (size) => {
    const windows = { teacher: windowFor(['student'], size), student: windowFor(['teacher'], size) };
    const at = {
      teacher: (await served(sourceOf(windows.teacher))).address,
      student: (await served(sourceOf(windows.student))).address,
    };
    const train = async (role: TrainedRole, peer: TrainedRole) => {
      const heard = listenTo(at[peer], { producer: peer, consumer: role });
      for (let step = 0; step < 200; step++) {
        await windows[role].publish(frameOf(role, step));
        const { value } = await heard.next();
        if (!value) throw new Error(`no frame ${step}`);
        checkFrame(value, { ...frameOf(peer, step), rows: 16, cols: 10, format: ALL_LOGITS }, peer);
        expect(value).toEqual(frameOf(peer, step));
      }
      await heard.return();
    };
    await Promise.all([train('teacher', 'student'), train('student', 'teacher')]);
  });

  test('exchange 10,000 frames without accumulating listeners', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error) => warnings.push(warning);
    process.on('warning', listen);
    const window = windowFor(['student']);
    const { address } = await served(sourceOf(window));
    const heard = listenTo(address);
    const producing = produce(window, 10_000);
    for (let step = 0; step < 10_000; step++) expect((await heard.next()).value?.position.step).toBe(step);
    await producing;
    await heard.return();
    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });
});

test('a producer is never far ahead of a slow consumer', async () => {
  const window = windowFor(['student']);
  const { address } = await served(sourceOf(window));
  const heard = listenTo(address);
  const producing = produce(window, 2000);
  let lead = 0;
  for (let step = 0; step < 2000; step++) {
    expect((await heard.next()).value?.position.step).toBe(step);
    // Time for it to run ahead, as the anchor of a slow pair has.
    for (let turn = 0; turn < 10; turn++) await nextTurn();
    lead = Math.max(lead, window.nextStep - step);
  }
  await producing;
  await heard.return();
  console.info(`a producer of 0.7 KB frames is ${lead} ahead at most`);
  // Its window, what HTTP/2 and the stream that reads it hold of 64 KiB each, in frames of 0.7 KB, and 16 messages at either end.
  expect(lead).toBeLessThan(250);
});

describe('a lost connection', () => {
  test('is re-established, and the same bytes are sent again', async () => {
    const socket = await freshSocket();
    opened.push({ close: socket.remove });
    const window = windowFor([]);
    const first = await served(sourceOf(window), { listen: socket.address, drainSeconds: 0 });
    for (const step of [0, 1, 2]) await window.publish(frameOf('teacher', step));
    const heard = listenTo(socket.address);
    const other = listenTo(socket.address, { consumer: 'teacher', from: { ...attempt, step: 1 } });
    expect((await heard.next()).value).toEqual(frameOf('teacher', 0));
    expect((await other.next()).value).toEqual(frameOf('teacher', 1));
    await first.close();
    await served(sourceOf(window), { listen: socket.address });
    await window.publish(frameOf('teacher', 3));
    for (const step of [1, 2, 3]) expect((await heard.next()).value).toEqual(frameOf('teacher', step));
    for (const step of [2, 3]) expect((await other.next()).value).toEqual(frameOf('teacher', step));
    await Promise.all([heard.return(), other.return()]);
  });

  test('resumes after a shutdown that ended the streams in order', async () => {
    const socket = await freshSocket();
    opened.push({ close: socket.remove });
    const window = windowFor([]);
    const shutdown = new AbortController();
    const first = await served(sourceOf(window), { listen: socket.address, shutdown: shutdown.signal });
    await window.publish(frameOf('teacher', 0));
    const heard = listenTo(socket.address);
    await heard.next();
    const waiting = heard.next();
    shutdown.abort();
    await first.close();
    await served(sourceOf(window), { listen: socket.address });
    await window.publish(frameOf('teacher', 1));
    expect((await waiting).value).toEqual(frameOf('teacher', 1));
    await heard.return();
  });
});

describe('a producer rejects by name', () => {
  const asked = (change: Partial<typeof attempt>) => ({ from: { ...attempt, ...change, step: 0 } });
  test.each([
    ['another run', asked({ runId: 'q' }), 'run q stage 3 attempt 1 is not served', 'ABORTED'],
    ['another stage', asked({ stage: 9 }), 'run r stage 9 attempt 1 is not served', 'ABORTED'],
    ['another attempt', asked({ attempt: 2 }), 'run r stage 3 attempt 2 is not served', 'ABORTED'],
    [
      'another secret',
      { secret: 'cd'.repeat(32) },
      'the student does not have the secret of this attempt',
      'PERMISSION_DENIED',
    ],
    [
      'other images',
      { agreement: { ...agreement, datasetDigest: 'xx' } },
      'the student has another dataset digest',
      'FAILED_PRECONDITION',
    ],
    [
      'another spec and seed',
      { agreement: { ...agreement, specDigest: 'xx', seed: 2 } },
      'the student has another seed, spec digest',
      'FAILED_PRECONDITION',
    ],
  ] as const)('%s', async (_name, options, sentence, code) => {
    const { address } = await served(sourceOf(windowFor([])));
    await expect(listenTo(address, options).next()).rejects.toMatchObject({
      message: `the teacher at ${address}: ${sentence}`,
      kind: 'out-of-step',
      details: { code },
    });
  });

  test('a stream without the secret, and the stream that it would have replaced goes on', async () => {
    const window = windowFor(['student']);
    const { address } = await served(sourceOf(window));
    const heard = listenTo(address);
    await window.publish(frameOf('teacher', 0));
    expect((await heard.next()).value).toEqual(frameOf('teacher', 0));
    const thief = listenTo(address, { secret: 'cd'.repeat(32), from: { ...attempt, step: 0 } });
    await expect(thief.next()).rejects.toMatchObject({ details: { code: 'PERMISSION_DENIED' } });
    await window.publish(frameOf('teacher', 1));
    expect((await heard.next()).value).toEqual(frameOf('teacher', 1));
    await heard.return();
  });
});

describe('waiting', () => {
  test('for a port without a listener ends with the address and the time', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const bound = taken.address();
    const port = typeof bound === 'object' ? bound?.port : undefined;
    await new Promise((resolve) => taken.close(resolve));
    await expect(listenTo(`127.0.0.1:${port}`, { connectTimeoutSeconds: 0.3 }).next()).rejects.toMatchObject({
      kind: 'unavailable',
      message: `the teacher at 127.0.0.1:${port} did not answer for 0.3 s; the log of the student says why`,
      details: { trouble: expect.stringContaining('ECONNREFUSED') },
    });
  });

  test('for a peer that stalls ends with its name, the step and the time', async () => {
    const window = windowFor([]);
    const { address } = await served(sourceOf(window));
    await window.publish(frameOf('teacher', 0));
    const heard = listenTo(address, { stepTimeoutSeconds: 0.2, connectTimeoutSeconds: 0.1 });
    await heard.next();
    await expect(heard.next()).rejects.toMatchObject({
      kind: 'unavailable',
      message: `the student has waited 0.2 s for step 1 of the teacher at ${address}`,
    });
  });

  test('ends with the reason of its signal', async () => {
    const { address } = await served(sourceOf(windowFor([])));
    const left = new AbortController();
    const waiting = listenTo(address, { signal: left.signal }).next();
    left.abort(new Error('superseded'));
    await expect(waiting).rejects.toThrow('superseded');
  });

  test('for a producer that ended early is an error, not an end', async () => {
    const window = windowFor([]);
    window.close();
    const { address } = await served(sourceOf(window));
    await expect(listenTo(address).next()).rejects.toThrow(`the teacher at ${address} ended its stream before step 0`);
  });
});
