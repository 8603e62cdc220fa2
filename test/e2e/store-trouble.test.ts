import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { canonicalJson } from '@trikd/core/domain/canonical-json';
import { movesByHand } from '@trikd/core/run/state';
import { loadRun } from '@trikd/core/run/stored/run-store';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { type ServiceName, startService } from '@trikd/process/service-process';
import { RunServiceClient, type WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { openStore } from '@trikd/store/open-store';
import { secret } from '@trikd/store/store-config';
import { lasting } from '@trikd/testing/clock/lasting';
import { type S3Server, startS3Server } from '@trikd/testing/servers/s3-server';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { openClient, unary } from '@trikd/transport/grpc/clients';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fate, type FaultyProxy, startFaultyProxy } from '../integration/faulty-proxy.js';
import { contentOf, reference } from './outcome.js';
import { expectNoProcess } from './processes.js';
import { MAIN, scratch, specFile } from './trikd.js';

const tiny = writtenSpec('two stages');

/** Two stages of 480 steps, saved every 40. */
const spec: WrittenSpec = { ...tiny, name: 'trouble', epochs: 60, checkpoint: { everyEpochs: 5 } };
const undisturbed = reference(spec);
/** How long the store refuses every request. Longer than the longest pause between two tries. */
const BUSY_SECONDS = Number(process.env['BUSY_SECONDS'] ?? 8);
/** A store in trouble gets no more requests, of all services together. */
const MOST_REQUESTS_PER_SECOND = 20;

let data: string;
let minio: S3Server;
let proxy: FaultyProxy;
let services: Awaited<ReturnType<typeof startServices>>;
beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'trikd-minio-'));
  minio = await startS3Server('minio', { folder: data });
  proxy = await startFaultyProxy(minio.endpoint);
  services = await startServices();
});
afterAll(async () => {
  await services.stop();
  proxy.close();
  await minio.kill();
  rmSync(data, { recursive: true });
});

interface Running {
  /** The first event that fits, past or future. */
  readonly event: (fits: (event: Event) => boolean) => Promise<Event>;
  readonly ended: Promise<void>;
}
type Event = NonNullable<WatchRunResponse['event']>;

/** The four services, their store in the bucket behind the proxy. All runs of this file are theirs. */
async function startServices() {
  const folder = mkdtempSync(join(tmpdir(), 'trikd-e2e-'));
  const settings = {
    'store.kind': 's3',
    'store.endpoint': proxy.endpoint,
    'store.bucket': minio.bucket,
    'store.accessKey': minio.accessKey,
    'store.secretKey': minio.secretKey,
  };
  const start = (service: ServiceName, more: Readonly<Record<string, string>> = {}) =>
    startService(service, { logs: join(folder, 'logs'), env: process.env, settings: { ...settings, ...more } }).ready;
  const [teacher, student, anchor] = await Promise.all([
    start('teacher-trainer'),
    start('student-trainer'),
    start('anchor-server'),
  ]);
  const addresses = { teacher: teacher.address, student: student.address, anchor: anchor.address };
  const orchestrator = await start('orchestrator', { ...addresses, events: folder });
  const client = openClient(RunServiceClient, orchestrator.address);
  return {
    client,
    async stop() {
      client.close();
      const all = [orchestrator, teacher, student, anchor];
      for (const service of all) service.terminate();
      await Promise.all(all.map(({ ended }) => ended));
      await expectNoProcess(folder);
      rmSync(folder, { recursive: true });
    },
  };
}

/** A run of the spec under a name of its own. */
async function trainInBucket(name: string): Promise<Running> {
  const { client } = services;
  const request = {
    spec: canonicalJson(RunSpec.parse({ ...spec, name })),
    requestId: '',
    takeOver: true,
    placement: undefined,
    team: '',
  };
  await unary(client.createRun.bind(client), request, { what: 'the orchestrator' });
  const events: Event[] = [];
  const waiting = new Set<() => void>();
  const follow = async () => {
    for await (const { event } of client.watchRun({
      runId: name,
      fromEvent: 0,
      pastOnly: false,
    }) as AsyncIterable<WatchRunResponse>) {
      if (event) events.push(event);
      for (const look of waiting) look();
    }
  };
  const ended = follow();
  const event = (fits: (event: Event) => boolean) =>
    new Promise<Event>((resolve, reject) => {
      const look = () => {
        const found = events.find(fits);
        if (found) resolve(found);
      };
      waiting.add(look);
      look();
      ended.then(() => reject(new Error('the run ended before that')), reject);
    });
  return { event, ended };
}

const committed = (step: number) => (event: Event) => event.$case === 'committed' && event.value.step === step;
const stalled = (reason: RegExp) => (event: Event) =>
  (event.$case === 'run' || event.$case === 'stallsChanged') &&
  event.value.stalls.some((stall) => stall.on === 'store' && reason.test(stall.reason));

async function expectTheSameEnd(name: string): Promise<void> {
  const credentials = { accessKey: minio.accessKey, secretKey: secret(minio.secretKey) };
  const { endpoint, bucket } = minio;
  const where = { kind: 's3', endpoint, bucket, region: 'us-east-1', ...credentials } as const;
  const { state } = await loadRun(await openStore(where, { verify: 'nothing' }), name);
  expect(state).toMatchObject({ phase: 'completed' });
  expect(movesByHand(state)).toEqual([]);
  expect(contentOf(state.results)).toEqual(await undisturbed);
}

describe('a store in trouble pauses a run, which says why, goes on by itself and ends with the same digests:', () => {
  test(`503 for ${BUSY_SECONDS} s, and no more than ${MOST_REQUESTS_PER_SECOND} requests a second meanwhile`, async () => {
    const name = 'busy';
    const run = await trainInBucket(name);
    await run.event(committed(160));
    const busy: Fate = { status: 503, code: 'SlowDown' };
    const before = proxy.methods.length;
    proxy.decide(() => busy);
    await Promise.all([run.event(stalled(/too busy/)), lasting(1000 * BUSY_SECONDS)]);
    const perSecond = (proxy.methods.length - before) / BUSY_SECONDS;
    proxy.decide(() => 'pass');
    await run.ended;
    console.info(`a store that was busy for ${BUSY_SECONDS} s was asked ${perSecond.toFixed(1)} times a second`);
    expect(perSecond).toBeLessThanOrEqual(MOST_REQUESTS_PER_SECOND);
    await expectTheSameEnd(name);
  });

  test('its disk is full', async () => {
    const name = 'full';
    const run = await trainInBucket(name);
    await run.event(committed(160));
    proxy.decide((method) => (method === 'PUT' ? { status: 507, code: 'XMinioStorageFull' } : 'pass'));
    await run.event(stalled(/its disk is full/));
    proxy.decide(() => 'pass');
    await run.ended;
    await expectTheSameEnd(name);
  });

  test('its bucket is away, and comes back', async () => {
    const name = 'away';
    const run = await trainInBucket(name);
    await run.event(committed(160));
    const [there, away] = ['trikd', '.away'].map((folder) => join(data, 'objects', folder));
    // A write that is under way when the folder goes would be made in a new one, acknowledged, and lost with that.
    const betweenWrites = async (work: () => void) => {
      proxy.decide(() => ({ status: 503, code: 'SlowDown' }));
      await proxy.quiet();
      work();
      proxy.decide(() => 'pass');
    };
    await betweenWrites(() => renameSync(there!, away!));
    try {
      await run.event(stalled(/there is no such bucket/));
    } finally {
      await betweenWrites(() => {
        // A server may have made the folder anew meanwhile, for what it keeps of a bucket.
        rmSync(there!, { recursive: true, force: true });
        renameSync(away!, there!);
      });
    }
    await run.ended;
    await expectTheSameEnd(name);
  });

  test('the disk of a folder is full', async () => {
    const folder = scratch();
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    const command = await onDiskOf(disk, 24, ['run', specFile(folder, spec), '--store', disk, '--output', 'json']);
    await command.said((line) => line.event === 'committed' && line.step === 160);
    const filler = join(command.root, disk, 'filler');
    fill(filler);
    await command.said(({ stalls }) => JSON.stringify(stalls ?? '').includes('the disk is full'));
    rmSync(filler);
    const { status, last } = await command.ended;
    expect(status).toBe(0);
    expect(last).toMatchObject({ event: 'result', phase: 'completed' });
    expect(contentOf(last.stages)).toEqual(await undisturbed);
  });
});

type Line = Readonly<Record<string, unknown>>;

/** `trikd` with a disk of its own, of some megabytes, at a folder. */
async function onDiskOf(disk: string, megabytes: number, args: readonly string[]) {
  const script = 'mount -t tmpfs -o "size=$1m" tmpfs "$0" && shift && exec "$@"';
  const child: ChildProcess = spawn(
    'unshare',
    ['--user', '--map-root-user', '--mount', 'sh', '-c', script, disk, `${megabytes}`, process.execPath, MAIN, ...args],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const lines: Line[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout! }).on('line', (text) => {
    if (text.startsWith('{')) lines.push(JSON.parse(text));
    for (const look of waiting) look();
  });
  const ended = once(child, 'close').then(([status]) => ({ status, last: lines.at(-1) ?? {} }));
  const said = (fits: (line: Line) => boolean) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (lines.some(fits)) resolve();
      };
      waiting.add(look);
      look();
      ended.then(({ status }) => reject(new Error(`ended with ${status} before that`)), reject);
    });
  return { said, ended, root: `/proc/${child.pid}/root` };
}

/** Leaves no byte free. */
function fill(path: string): void {
  for (const size of [1 << 20, 1 << 12]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size, 1), { flag: 'a' });
    } catch {
      // Full, to this size.
    }
  }
}
