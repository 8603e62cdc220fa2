import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { createFrameWindow } from '@trikd/core/exchange/frame-window';
import { newAuthority } from '@trikd/testing/servers/certificates';
import type { KeyPair } from '@trikd/transport/access/authority';
import { LOOPBACK_ONLY, plainText, type Security } from '@trikd/transport/access/security';
import { checkHealth } from '@trikd/transport/grpc/check-health';
import { dialWith } from '@trikd/transport/grpc/exchange-client';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { attempt, frameOf, freshSocket, listenTo, serve, sourceOf } from './exchange-rig.js';
import { securityOf } from './tls-rig.js';

const folder = mkdtempSync(join(tmpdir(), 'trikd-'));
let authority: KeyPair;
beforeAll(async () => {
  authority = await newAuthority();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A teacher that has computed three frames. */
async function serveFrames(security: Security, listen?: string) {
  const window = createFrameWindow({ attempt, firstStep: 0, size: 64, consumers: ['student'] });
  for (let step = 0; step < 3; step++) await window.publish(frameOf('teacher', step));
  const service = await serve(sourceOf(window), {
    security,
    ...(listen && { listen }),
    health: { listen: '127.0.0.1:0' },
  });
  onTestFinished(() => service.close());
  return service;
}

async function firstFrameOf(address: string, security: Security): Promise<unknown> {
  const frames = listenTo(address, { dial: dialWith(security), connectTimeoutSeconds: 0.5, stepTimeoutSeconds: 2 });
  try {
    const { value } = await frames.next();
    return value;
  } finally {
    await frames.return(undefined);
  }
}

test.each([
  ['an IP address', undefined],
  ['a host name', 'localhost:0'],
])('logits are streamed between services that show their certificates, at %s', async (_, listen) => {
  const { address } = await serveFrames(await securityOf(folder, authority, 'teacher-trainer'), listen);
  const student = await securityOf(folder, authority, 'student-trainer');
  expect(await firstFrameOf(address, student)).toEqual(frameOf('teacher', 0));
});

test('logits are streamed over TLS through a Unix socket', async () => {
  const socket = await freshSocket();
  onTestFinished(socket.remove);
  await serveFrames(await securityOf(folder, authority, 'teacher-trainer'), socket.address);
  const student = await securityOf(folder, authority, 'student-trainer');
  expect(await firstFrameOf(socket.address, student)).toEqual(frameOf('teacher', 0));
});

test('a service that is not the one expected at its address gets no request', async () => {
  const { address } = await serveFrames(await securityOf(folder, authority, 'anchor-server'));
  const student = await securityOf(folder, authority, 'student-trainer');
  await expect(firstFrameOf(address, student)).rejects.toMatchObject({
    details: { trouble: expect.stringMatching(/is not the teacher-trainer/) },
  });
});

test('a service of another authority gets no request', async () => {
  const { address } = await serveFrames(await securityOf(folder, await newAuthority(), 'teacher-trainer'));
  const student = await securityOf(folder, authority, 'student-trainer');
  await expect(firstFrameOf(address, student)).rejects.toMatchObject({ kind: 'unavailable' });
});

test('versions of TLS before 1.3 are refused', async () => {
  const { address } = await serveFrames(await securityOf(folder, authority, 'teacher-trainer'));
  const [host, port] = address.split(':');
  const handshake = (maxVersion: 'TLSv1.2' | 'TLSv1.3') =>
    new Promise((resolve, reject) => {
      const options = {
        host: host!,
        port: Number(port),
        ca: authority.cert,
        minVersion: 'TLSv1.2',
        maxVersion,
      } as const;
      const socket = connect({ ...options, ALPNProtocols: ['h2'], servername: 'localhost' }, () => {
        resolve(socket.getProtocol());
        socket.destroy();
      }).on('error', reject);
    });
  await expect(handshake('TLSv1.2')).rejects.toThrow(/protocol version/);
  expect(await handshake('TLSv1.3')).toBe('TLSv1.3');
});

test('probes are answered in plain text on an address of their own', async () => {
  const service = await serveFrames(await securityOf(folder, authority, 'teacher-trainer'));
  expect(await checkHealth(service.healthAddress!, 5)).toMatchObject({ serving: true });
  await expect(firstFrameOf(service.healthAddress!, LOOPBACK_ONLY)).rejects.toMatchObject({
    details: { trouble: expect.stringMatching(/not implement/i) },
  });
  await expect(checkHealth(service.address, 5)).rejects.toMatchObject({ kind: 'unavailable' });
  const security = await securityOf(folder, authority, 'student-trainer');
  expect(await checkHealth(service.address, 5, { role: 'teacher-trainer', security })).toMatchObject({ serving: true });
});

test('plain text does not leave the machine unless that is asked for by name', async () => {
  await expect(serveFrames(plainText('loopback'), '0.0.0.0:0')).rejects.toMatchObject({
    kind: 'invalid',
    message: expect.stringMatching(/cannot listen on 0\.0\.0\.0:0 in plain text: set tls .*plaintext: anywhere/),
  });
  await expect(listenTo('10.0.0.1:50052', { dial: dialWith(LOOPBACK_ONLY) }).next()).rejects.toMatchObject({
    kind: 'invalid',
  });
  const { address } = await serveFrames(plainText('anywhere'), '0.0.0.0:0');
  expect(await firstFrameOf(address.replace('0.0.0.0', '127.0.0.1'), LOOPBACK_ONLY)).toEqual(frameOf('teacher', 0));
});
