import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalJson } from '@trikd/core/domain/canonical-json';
import { loadRun } from '@trikd/core/run/stored/run-store';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { type ServiceName, startService } from '@trikd/process/service-process';
import { RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import { openStore } from '@trikd/store/open-store';
import { secret } from '@trikd/store/store-config';
import { addStoreUsers, type StoreRole, TEAM } from '@trikd/testing/servers/minio-users';
import { type S3Server, startS3Server } from '@trikd/testing/servers/s3-server';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { openClient, unary } from '@trikd/transport/grpc/clients';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { reference, resultOf } from './outcome.js';
import { expectNoProcess } from './processes.js';
import { scratch, specFile, trikd } from './trikd.js';

const tiny = writtenSpec('two stages');

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

/** Trains the tiny run to its end with four services. @param as what the store is told of a role */
async function trained(
  folder: string,
  start: ReturnType<typeof servicesIn>['start'],
  as: (role: StoreRole) => Readonly<Record<string, string>>,
) {
  const [teacher, student, anchor] = await Promise.all([
    start('teacher-trainer', as('trainer')),
    start('student-trainer', as('trainer')),
    start('anchor-server', as('anchor-server')),
  ]);
  const addresses = { teacher: teacher.address, student: student.address, anchor: anchor.address };
  const orchestrator = await start('orchestrator', { ...addresses, ...as('orchestrator'), events: folder });
  const client = openClient(RunServiceClient, orchestrator.address);
  onTestFinished(() => client.close());
  const spec = canonicalJson(RunSpec.parse(tiny));
  await unary(
    client.createRun.bind(client),
    { spec, requestId: '', takeOver: true, placement: undefined, team: '' },
    { what: 'the orchestrator' },
  );
  for await (const _ of client.watchRun({ runId: tiny.name, fromEvent: 0, pastOnly: false })) {
    // It ends when the run does.
  }
  return [orchestrator, teacher, student, anchor];
}

test('four processes with their store in MinIO, and no more rights than their role needs, end bit for bit as one, and log no secret', async () => {
  const users = addStoreUsers(minio);
  const folder = scratch();
  const { start, said } = servicesIn(folder, { 'store.prefix': TEAM });
  const as = (role: StoreRole) => ({
    'store.accessKey': users[role].accessKey,
    'store.secretKey': users[role].secretKey,
  });
  const services = await trained(folder, start, as);
  const { endpoint, bucket } = minio;
  const { accessKey, secretKey } = users.orchestrator;
  const where = { kind: 's3', endpoint, bucket, prefix: TEAM, accessKey } as const;
  const store = await openStore({ ...where, region: 'us-east-1', secretKey: secret(secretKey) });
  const { state } = await loadRun(store, tiny.name);
  expect(state).toMatchObject({ phase: 'completed', results: await reference(tiny) });

  const config = join(folder, 'store.yaml');
  writeFileSync(config, JSON.stringify({ store: { ...where, secretKey } }));
  const listed = await trikd(['checkpoint', 'list', tiny.name, '--config', config]).ended;
  expect(listed).toMatchObject({ status: 0, stderr: '' });

  for (const service of services) service.terminate();
  await expectNoProcess(folder, 10_000);
  expect(said().join('')).toContain('listening');
  for (const { secretKey: each } of [minio, ...Object.values(users)]) expect(said().join('')).not.toContain(each);
});

describe('with the variables that `make minio` prints', () => {
  const long: WrittenSpec = { ...tiny, name: 'long', epochs: 40, checkpoint: { everyEpochs: 10 } };

  const data = mkdtempSync(join(tmpdir(), 'trikd-minio-'));
  let printing: ChildProcess | undefined;
  let variables: Readonly<Record<string, string>>;
  beforeAll(async () => {
    variables = await printedVariables(data);
  });
  afterAll(async () => {
    if (printing) {
      printing.kill('SIGTERM');
      await once(printing, 'close');
    }
    rmSync(data, { recursive: true, maxRetries: 20, retryDelay: 100 });
  });

  /** Starts a MinIO as `make minio` does. Returns the variables that it prints. */
  async function printedVariables(folder: string): Promise<Readonly<Record<string, string>>> {
    const script = fileURLToPath(new URL('../../scripts/run-minio.ts', import.meta.url));
    const child = spawn(process.execPath, [script, '--data', folder], { stdio: 'pipe' });
    printing = child;
    let text = '';
    for await (const part of child.stdout.setEncoding('utf8')) {
      text += part;
      if (text.includes('SECRET_KEY')) break;
    }
    return Object.fromEntries([...text.matchAll(/(TRIKD_STORE__\w+)=(\S+)/g)].map(([, name, value]) => [name, value]));
  }

  test('a run keeps its objects in the bucket, rests, continues and ends bit for bit as one process', async () => {
    const folder = scratch();
    const start = (...args: readonly string[]) => trikd(args, variables, folder);
    const runLong = (...args: readonly string[]) => start('run', specFile(folder, long), '--output', 'json', ...args);

    const stopped = runLong('--in-process');
    await stopped.said(({ event, step }) => event === 'evaluation' && Number(step) >= 40);
    stopped.kill('SIGINT');
    expect(await stopped.ended).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/^run long is paused at step/m),
    });
    // Another run of the same bucket does not drive the first one.
    expect(await start('run', specFile(folder, tiny), '--in-process').ended).toMatchObject({ status: 0, stderr: '' });

    const continued = await runLong().ended;
    expect(continued).toMatchObject({ status: 0, stderr: expect.stringMatching(/^continuing run long: .* from step/) });
    expect(resultOf(continued)).toEqual({ phase: 'completed', stages: await reference(long) });
    expect(JSON.parse(continued.stdout.trimEnd().split('\n').at(-1) ?? '').store).toBe('s3://trikd/trikd-run/long');
    expect(readdirSync(join(folder, 'runs/long'))).not.toContain('store');

    expect(await start('checkpoint', 'verify', 'long').ended).toMatchObject({ status: 0 });
    expect(await start('doctor').ended).toMatchObject({
      stdout: expect.stringMatching(/store +│ ok +│ .*\/trikd: one of/),
    });
    expect(await runLong('--fresh', '--in-process', '--set', 'epochs=1').ended).toMatchObject({
      status: 0,
      stderr: '',
    });
  });

  test('an option still selects a folder', async () => {
    const folder = scratch();
    const store = join(folder, 'mine');
    expect(
      await trikd(['run', specFile(folder, { ...tiny, name: 'mine' }), '--store', store, '--in-process'], variables)
        .ended,
    ).toMatchObject({
      status: 0,
    });
    expect(readdirSync(join(store, 'mine'))).toContain('store');
    const listed = await trikd(['checkpoint', 'list', 'mine', '--store', store], variables).ended;
    expect(listed).toMatchObject({ status: 0, stderr: '' });
    expect(await trikd(['checkpoint', 'list', 'mine'], variables, folder).ended).toMatchObject({
      stderr: expect.stringMatching(/there is no run mine in s3:\/\/trikd\/trikd-run\/mine; --store runs looks into/),
    });
  });
});

test('a service that its store refuses says why, without the secret, and ends before it listens', async () => {
  const wrong = 'canary-83c1';
  const { start, said } = servicesIn(scratch(), { 'store.secretKey': wrong });
  const place = `store ${minio.endpoint}/${minio.bucket}`;
  await expect(start('anchor-server')).rejects.toThrow(
    `the anchor-server ended (status 1): store not opened: ${place}: the secret key does not match the access key`,
  );
  expect(said().join('')).not.toContain(wrong);
});
