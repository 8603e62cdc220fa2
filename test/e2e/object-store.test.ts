import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadRun } from '@trikd/core/run/run-store';
import { canonicalJson, RunSpec } from '@trikd/core/spec/run-spec';
import { type ServiceName, startService } from '@trikd/process/service-process';
import { RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import { openStore } from '@trikd/store/open-store';
import { secret } from '@trikd/store/store-config';
import { type S3Server, startS3Server } from '@trikd/testing/servers/s3-server';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { openClient, unary } from '@trikd/transport/grpc/clients';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { reference } from './outcome.js';
import { expectNoProcess } from './processes.js';
import { scratch, trikd } from './trikd.js';

const tiny = writtenSpec('two generations');

let data: string;
let minio: S3Server;
beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'trikd-minio-'));
  minio = await startS3Server('minio', { folder: data });
});
afterAll(async () => {
  await minio.kill();
  rmSync(data, { recursive: true });
});

/** Starts services whose store is the bucket. */
function servicesIn(folder: string, credentials: Readonly<Record<string, string>> = {}) {
  const logs = join(folder, 'logs');
  const settings = {
    'store.kind': 's3',
    'store.endpoint': minio.endpoint,
    'store.bucket': minio.bucket,
    'store.accessKey': minio.accessKey,
    'store.secretKey': minio.secretKey,
    ...credentials,
  };
  const start = (name: ServiceName, more: Readonly<Record<string, string>> = {}) =>
    startService(name, { logs, env: process.env, settings: { ...settings, ...more } }).ready;
  const said = () => readdirSync(logs).map((file) => readFileSync(join(logs, file), 'utf8'));
  return { start, said };
}

test('four processes with their store in MinIO end bit for bit as one, and tell nobody its secret', async () => {
  const folder = scratch();
  const { start, said } = servicesIn(folder);
  const [teacher, student, anchor] = await Promise.all([
    start('teacher-trainer'),
    start('student-trainer'),
    start('anchor-server'),
  ]);
  const addresses = { teacher: teacher.address, student: student.address, anchor: anchor.address };
  const orchestrator = await start('orchestrator', { ...addresses, events: folder });
  const client = openClient(RunServiceClient, orchestrator.address);
  onTestFinished(() => client.close());
  const spec = canonicalJson(RunSpec.parse(tiny));
  await unary(client.createRun.bind(client), { spec, requestId: '', takeOver: true }, { what: 'the orchestrator' });
  for await (const _ of client.watchRun({ runId: tiny.name, fromEvent: 0 })) {
    // It ends when the run does.
  }
  const { endpoint, bucket, accessKey, secretKey } = minio;
  const credentials = { accessKey, secretKey: secret(secretKey) };
  const store = await openStore({ kind: 's3', endpoint, bucket, region: 'us-east-1', ...credentials });
  const { state } = await loadRun(store, tiny.name);
  expect(state).toMatchObject({ phase: 'completed', results: await reference(tiny) });

  const config = join(folder, 'store.yaml');
  writeFileSync(config, JSON.stringify({ store: { kind: 's3', endpoint, bucket, accessKey, secretKey } }));
  const listed = await trikd(['checkpoint', 'list', tiny.name, '--config', config]).ended;
  expect(listed).toMatchObject({ status: 0, stderr: '' });

  for (const service of [orchestrator, teacher, student, anchor]) service.terminate();
  await expectNoProcess(folder, 10_000);
  expect(said().join('')).toContain('listening');
  expect(said().join('')).not.toContain(secretKey);
});

test('a service that its store refuses says why, without the secret, and ends before it listens', async () => {
  const wrong = 'canary-83c1';
  const { start, said } = servicesIn(scratch(), { 'store.secretKey': wrong });
  const place = `store ${minio.endpoint}/${minio.bucket}`;
  await expect(start('anchor-server')).rejects.toThrow(
    `the anchor-server ended (status 1): no store: ${place}: the secret key does not fit the access key`,
  );
  expect(said().join('')).not.toContain(wrong);
});
