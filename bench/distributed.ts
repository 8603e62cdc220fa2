import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blobsFolder, saveParams } from '@trikd/core/checkpoint/blobs';
import { canonicalJson } from '@trikd/core/domain/canonical-json';
import { type RunSpec } from '@trikd/core/spec/run-spec';
import type { ServiceName } from '@trikd/process/service-process';
import { fromPosition } from '@trikd/protocol/convert';
import { fromFrozenParams } from '@trikd/protocol/convert-anchor';
import { fromAssignment } from '@trikd/protocol/convert-trainer';
import { AnchorServiceClient } from '@trikd/protocol/gen/node/trikd/v1/anchor';
import type { StepTracing } from '@trikd/protocol/gen/node/trikd/v1/common';
import { TrainerServiceClient, type WatchTrainerResponse } from '@trikd/protocol/gen/node/trikd/v1/trainer';
import { openFolderStore } from '@trikd/store/folder-store';
import { datasetFor } from '@trikd/testing/specs/spec-for';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import type { Security } from '@trikd/transport/access/security';
import { openClient, unary } from '@trikd/transport/grpc/clients';
import { type MeasuredService, startMeasured } from './measured-service.ts';
import type { Contestant } from './rounds.ts';
import { freshAnchor } from './trio-spec.ts';

/** How late the event loop of a service was, in milliseconds. */
export interface Lag {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** The trio as services; the benchmark steers them as the orchestrator would. */
export interface DistributedTrio extends Contestant {
  /** By service, once it has ended. */
  lags(): Promise<Readonly<Record<string, Lag>>>;
  /** By service. */
  readonly pids: Readonly<Record<string, number>>;
}

const NAMES = ['anchor-server', 'teacher-trainer', 'student-trainer'] as const;

/** How the trio is observed, and how its connections are protected. */
export interface Conditions {
  /** Environment of the services. */
  readonly env?: Readonly<Record<string, string>>;
  readonly tracing?: StepTracing;
  /** Default: plain text. */
  readonly tls?: {
    /** Settings of a service. */
    readonly settings: (service: ServiceName) => Readonly<Record<string, unknown>>;
    /** Of the benchmark, which is the orchestrator. */
    readonly security: Security;
  };
}

/** Starts the services at rest, in generation 1. The mean time of a round's steps stands for each of them. */
export async function startDistributed(
  name: string,
  spec: RunSpec,
  { env = {}, tracing, tls }: Conditions = {},
): Promise<DistributedTrio> {
  const folder = await mkdtemp(join(tmpdir(), 'trikd-bench-'));
  const lagFile = (service: string) => join(folder, `${service}.lag.json`);
  const started = await Promise.all(
    NAMES.map((service) =>
      startMeasured(service, join(folder, 'store'), lagFile(service), tls?.settings(service), env),
    ),
  );
  const [anchor, teacher, student] = started as [MeasuredService, MeasuredService, MeasuredService];
  const position = (step: number) => fromPosition({ runId: spec.name, stage: 1, attempt: 1, step });
  const peer = (role: ServiceName) => tls && { role, security: tls.security };
  const anchorClient = openClient(AnchorServiceClient, anchor.address, peer('anchor-server'));
  await loadAnchor(anchorClient, join(folder, 'store'), spec, position(0), tracing);
  const trainers = [
    openClient(TrainerServiceClient, teacher.address, peer('teacher-trainer')),
    openClient(TrainerServiceClient, student.address, peer('student-trainer')),
  ];
  const watches = await Promise.all(
    trainers.map(async (client, index) => {
      const peer = index === 0 ? { student: student.address } : { teacher: teacher.address };
      const assignment = {
        attempt: { runId: spec.name, stage: 1, attempt: 1 },
        ...{ term: 1, exchangeSecret: SECRET, spec, limit: 0 },
        sources: { anchor: anchor.address, ...peer },
        promoted: true,
      };
      const request = { ...fromAssignment(assignment), tracing };
      await unary(client.assign.bind(client), request, { what: 'a trainer', deadlineSeconds: 60 });
      return watchSteps(client, position(0));
    }),
  );
  let limit = 0;
  return {
    name,
    pids: Object.fromEntries(NAMES.map((service, index) => [service, started[index]?.pid ?? 0])),
    async step(count) {
      limit += count;
      const target = position(limit);
      for (const { pid } of started) process.kill(pid, 'SIGUSR2');
      const from = performance.now();
      const [reached] = await Promise.all([
        Promise.all(watches.map((watch) => watch.reaches(limit))),
        Promise.all(watches.map((watch) => watch.rests(limit))),
        ...trainers.map((client) => unary(client.setLimit.bind(client), { limit: target }, { what: 'a trainer' })),
      ]);
      const each = (Math.max(...reached) - from) / count;
      return Array.from({ length: count }, () => each);
    },
    async end() {
      for (const watch of watches) watch.stop();
      for (const client of trainers) client.close();
      await Promise.all(started.map((service) => service.end()));
    },
    async lags() {
      const read = async (service: string) => [service, JSON.parse(await readFile(lagFile(service), 'utf8'))] as const;
      const lags = Object.fromEntries(await Promise.all(NAMES.map(read)));
      await rm(folder, { recursive: true });
      return lags;
    },
  };
}

async function loadAnchor(
  client: AnchorServiceClient,
  store: string,
  spec: RunSpec,
  start: ReturnType<typeof fromPosition>,
  tracing: StepTracing | undefined,
): Promise<void> {
  const params = freshAnchor(spec, datasetFor(spec));
  const folder = blobsFolder({ runId: spec.name, stage: 0, attempt: 1 });
  const blob = await saveParams(await openFolderStore(store), folder, params);
  await unary(
    client.loadAnchor.bind(client),
    {
      start,
      term: 1,
      exchangeSecret: SECRET,
      spec: canonicalJson(spec),
      frozen: fromFrozenParams({ anchor: blob }),
      tracing,
    },
    { what: 'the anchor', deadlineSeconds: 60 },
  );
  client.close();
}

/** Reports when a trainer has trained up to a step, and when it rests there with its checkpoint saved. A trainer that fails rejects both. */
function watchSteps(client: TrainerServiceClient, attempt: ReturnType<typeof fromPosition>) {
  const call = client.watchTrainer({ attempt, fromEvent: 0, pastOnly: false });
  const waiting = new Set<Awaited>();
  let failure: Error | undefined;
  const until = (kind: string, step: number) =>
    new Promise<number>((resolve, reject) => {
      if (failure) reject(failure);
      else waiting.add({ kind, step, resolve, reject });
    });
  const fail = (error: Error) => {
    failure = error;
    for (const one of waiting) one.reject(error);
    waiting.clear();
  };
  call.on('data', ({ event }: WatchTrainerResponse) => {
    if (event?.$case === 'failure') fail(new Error(`a trainer failed: ${event.value.message}`));
    if (event?.$case !== 'progress' && event?.$case !== 'resting') return;
    for (const one of waiting) {
      if (one.kind !== event.$case || event.value.nextStep < one.step) continue;
      waiting.delete(one);
      one.resolve(performance.now());
    }
  });
  call.on('error', ({ message }) => fail(new Error(`a trainer is gone: ${message}`)));
  return {
    reaches: (step: number) => until('progress', step),
    rests: (step: number) => until('resting', step),
    stop: () => call.cancel(),
  };
}

interface Awaited {
  readonly kind: string;
  readonly step: number;
  readonly resolve: (now: number) => void;
  readonly reject: (error: Error) => void;
}
