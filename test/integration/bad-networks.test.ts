import { connect } from 'node:net';
import { credentials } from '@grpc/grpc-js';
import type { TrainedRole } from '@trikd/core/domain/position';
import { createFrameWindow } from '@trikd/core/exchange/frame-window';
import type { ExchangeSource } from '@trikd/model-host/exchange-source';
import { fromSubscription } from '@trikd/protocol/convert';
import { ExchangeServiceClient } from '@trikd/protocol/gen/node/trikd/v1/exchange';
import { lasting } from '@trikd/testing/clock/lasting';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import type { Service } from '@trikd/transport/nest/create-service';
import { afterEach, describe, expect, test } from 'vitest';
import { agreement, attempt, frameOf, listenTo, serve, sourceOf } from './exchange-rig.js';
import { openRelay, type RelayOptions } from './relay.js';

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

const windowFor = (consumers: readonly TrainedRole[], size = 4) =>
  createFrameWindow({ attempt, firstStep: 0, size, consumers });

async function served(source: ExchangeSource): Promise<Service> {
  const service = await serve(source);
  opened.push(service);
  return service;
}

/** A window that is served behind a relay. */
async function relayed(window = windowFor([]), options: RelayOptions = {}) {
  const { address } = await served(sourceOf(window));
  const relay = await openRelay(address, options);
  opened.push(relay);
  return { window, relay };
}

/** Numbers on 0..bound-1 that look random: Lehmer's generator. */
function numbers(seed: number) {
  let state = seed;
  return (bound: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % bound;
  };
}

const LEAST_WAIT = { random: () => 0 };

describe('a connection that breaks', () => {
  test('100 times each way, at any byte, delivers every frame once and unchanged', async () => {
    const random = numbers(7);
    const windows = { teacher: windowFor(['student'], 2), student: windowFor(['teacher'], 2) };
    const breaksAfter = () => 1 + random(5000);
    const relays = {
      teacher: (await relayed(windows.teacher, { breaksAfter })).relay,
      student: (await relayed(windows.student, { breaksAfter })).relay,
    };
    const breaks = () => Math.min(relays.teacher.connections, relays.student.connections) - 1;
    let steps = 0;
    const train = async (role: TrainedRole, peer: TrainedRole) => {
      const heard = listenTo(relays[peer].address, { producer: peer, consumer: role, ...LEAST_WAIT });
      for (let step = 0; breaks() < 100 || step < steps; step++) {
        steps = Math.max(steps, step + 1);
        await windows[role].publish(frameOf(role, step));
        expect((await heard.next()).value).toEqual(frameOf(peer, step));
      }
      await heard.return();
    };
    await Promise.all([train('teacher', 'student'), train('student', 'teacher')]);
    const { teacher, student } = relays;
    console.info(`${steps} steps over ${teacher.connections} and ${student.connections} connections`);
  });
});

describe('a network that falls silent', () => {
  test('for less than a step may take costs nothing: the same frames, each once', async () => {
    const { window, relay } = await relayed();
    await window.publish(frameOf('teacher', 0));
    const heard = listenTo(relay.address);
    expect((await heard.next()).value).toEqual(frameOf('teacher', 0));
    relay.freeze();
    for (const step of [1, 2]) await window.publish(frameOf('teacher', step));
    const waiting = heard.next();
    expect(await Promise.race([waiting, lasting(300)])).toBeUndefined();
    relay.thaw();
    expect((await waiting).value).toEqual(frameOf('teacher', 1));
    expect((await heard.next()).value).toEqual(frameOf('teacher', 2));
    expect(relay.connections).toBe(1);
    await heard.return();
  });

  test('for longer ends the step by name, and a new subscription continues at the right step', async () => {
    const { window, relay } = await relayed();
    for (const step of [0, 1]) await window.publish(frameOf('teacher', step));
    const heard = listenTo(relay.address, { stepTimeoutSeconds: 0.5 });
    for (const step of [0, 1]) expect((await heard.next()).value).toEqual(frameOf('teacher', step));
    relay.strand();
    await window.publish(frameOf('teacher', 2));
    const from = performance.now();
    await expect(heard.next()).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining(`0.5 s for step 2 of the teacher at ${relay.address}`),
    });
    expect(performance.now() - from).toBeLessThan(2000);
    const again = listenTo(relay.address, { from: { ...attempt, step: 2 } });
    expect((await again.next()).value).toEqual(frameOf('teacher', 2));
    await again.return();
  });

  test('before the first answer is not taken for a slow service', async () => {
    const { relay } = await relayed();
    relay.freeze();
    await expect(listenTo(relay.address, { connectTimeoutSeconds: 0.3 }).next()).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining(`the teacher at ${relay.address} did not answer for 0.3 s`),
    });
  });
});

test('100 ms of latency each way cost only time', async () => {
  const { window, relay } = await relayed(windowFor([]), { delay: 100 });
  const heard = listenTo(relay.address);
  for (let step = 0; step < 5; step++) {
    await window.publish(frameOf('teacher', step));
    expect((await heard.next()).value).toEqual(frameOf('teacher', step));
  }
  await heard.return();
});

describe('clients that read nothing', () => {
  const wide = { ...agreement, batchSize: 1024, classes: 100 };

  /** Opens a stream and never reads from it. */
  function deaf(address: string): void {
    const client = new ExchangeServiceClient(address, credentials.createInsecure());
    const call = client.streamLogits(
      fromSubscription({
        ...{ consumer: 'anchor', producer: 'teacher', from: { ...attempt, step: 0 }, agreement: wide, secret: SECRET },
      }),
    );
    call.on('error', () => undefined);
    opened.push(client);
  }

  /** Begins what could become HTTP/2, and says no more. */
  function mute(address: string): void {
    const [host, port] = address.split(':');
    const socket = connect({ host: host!, port: Number(port) }, () => socket.write('PRI * HTTP/2.0\r\n'));
    socket.on('error', () => undefined);
    opened.push({ close: () => socket.destroy() });
  }

  test('take nothing from clients that read', async () => {
    const window = windowFor(['student']);
    const { address } = await served(sourceOf(window, wide));
    const frame = frameOf('teacher', 0, wide);
    const publish = (step: number) => window.publish({ ...frame, position: { ...attempt, step } });
    await publish(0);
    for (let i = 0; i < 50; i++) {
      deaf(address);
      mute(address);
    }
    const heard = listenTo(address, { agreement: wide });
    for (let step = 0; step < 200; step++) {
      expect((await heard.next()).value?.position.step).toBe(step);
      await publish(step + 1);
    }
    await heard.return();
  });
});
