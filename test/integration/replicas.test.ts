import { once } from 'node:events';
import { connect } from 'node:http2';
import { canonicalJson } from '@trikd/core/domain/canonical-json';
import type { TrainedRole } from '@trikd/core/domain/position';
import { type ReferenceRun, runReferenceStage } from '@trikd/core/reference/reference';
import { AdmissionLimits, ownAdmission } from '@trikd/core/spec/admission';
import { stageAt } from '@trikd/core/stages/stages-of';
import { engineSessions, type ModelSessions, sessionsWith } from '@trikd/core/training/sessions';
import { loadDataset } from '@trikd/model-host/data/load-dataset';
import { type ConnectReplica, remoteReplicas, trainingWithReplicas } from '@trikd/model-host/replica/remote-replica';
import { createReplicaHost, type ReplicaHostParts } from '@trikd/model-host/replica/replica-host';
import { createTrainer } from '@trikd/model-host/trainer/trainer';
import { TRAINER_SERVICES, trainerModule } from '@trikd/model-host/trainer/trainer.module';
import { createLogger } from '@trikd/process/logging';
import { systemClock } from '@trikd/process/system-clock';
import { TrainReplicaRequest } from '@trikd/protocol/gen/node/trikd/v1/replica';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { numberTrainer } from '@trikd/testing/toy-model/number-model';
import { lonePorts, memoryBlobs } from '@trikd/testing/training/lone-ports';
import { LOOPBACK_ONLY } from '@trikd/transport/access/security';
import { RAISED_WINDOW } from '@trikd/transport/grpc/channel';
import { dialProducer } from '@trikd/transport/grpc/exchange-client';
import { openReplicaStream } from '@trikd/transport/grpc/replica-client';
import { createService } from '@trikd/transport/nest/create-service';
import { afterEach, expect, test } from 'vitest';

const spec = specFor('tiny', {
  augment: [
    { kind: 'crop', padding: 1 },
    { kind: 'mixup', probability: 0.5 },
  ],
  student: { replicas: 4 },
});
const log = createLogger({ level: 'silent' }, 'test');
const never = new AbortController().signal;
const numerics = {
  ...{ tensorflow: '2.21.0', processor: 'here', kernels: ['avx2'], device: 'cpu', threads: 1 },
  precision: 'float32',
};

const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

/** A trainer as a service, which hosts a replica. */
async function openHost(changes: Partial<ReplicaHostParts> = {}, role: TrainedRole = 'student') {
  const outside = { dial: dialProducer, clock: systemClock, random: Math.random };
  const trainer = createTrainer({
    ...{ role, store: memoryStore(), loadDataset, trainStage: numberTrainer(), log, ...outside },
  });
  const admission = ownAdmission(AdmissionLimits.parse({}));
  const replicas = createReplicaHost({
    ...{ role, admission, loadDataset, numerics: () => numerics, clock: systemClock, log },
    ...changes,
  });
  const service = await createService({
    module: trainerModule(trainer, replicas, never),
    services: TRAINER_SERVICES,
    ...{ listen: '127.0.0.1:0', log, drainSeconds: 0 },
  });
  opened.push(service);
  return { ...service, replicas };
}

const connectWithin =
  (connectSeconds: number): ConnectReplica =>
  (address, options) =>
    openReplicaStream(address, { ...options, role: 'student', security: LOOPBACK_ONLY, connectSeconds });

function sessionsAt(addresses: readonly string[], connectSeconds = 10): ModelSessions {
  const connect = connectWithin(connectSeconds);
  return sessionsWith(remoteReplicas({ addresses, connect, clock: systemClock, numerics: () => numerics }));
}

/** The digest of the student's state after the first stage. */
async function trained(sessions: ModelSessions, onStep: (step: number) => void = () => undefined) {
  const run: ReferenceRun = {
    ...{ spec, dataset: await loadDataset(spec), ...memoryBlobs(), clock: systemClock, sessions },
    emit: (role, event) => {
      if (role === 'student' && event.kind === 'progress') onStep(event.progress.nextStep);
    },
  };
  const { learners } = await runReferenceStage(run, stageAt(spec, 0, false), {});
  return learners['student']?.state.sha256;
}

test('replicas in processes of their own give the bits of replicas in one process, again and again', async () => {
  const expected = await trained(engineSessions);
  const [first, second] = [await openHost(), await openHost()];
  // The third further replica has no address: the trainer computes it.
  const sessions = sessionsAt([first.address, second.address]);
  expect([await trained(sessions), await trained(sessions)]).toEqual([expected, expected]);
});

test('replicas that an assignment names take the place of those of the configuration', async () => {
  const alone = specFor('tiny, student alone', { student: { replicas: 2 } });
  const host = await openHost();
  const reached: number[] = [];
  const { ports } = lonePorts({ emit: (event) => event.kind === 'progress' && reached.push(event.progress.nextStep) });
  const away = { addresses: ['127.0.0.1:1'], connect: connectWithin(10), clock: systemClock };
  const attempt = { runId: alone.name, stage: 0, attempt: 1 };
  const start = { role: 'student', spec: alone, stage: stageAt(alone, 0, false), attempt, startStep: 0 } as const;
  const train = trainingWithReplicas(away);
  await train(start, await loadDataset(alone), ports, [host.address]);
  expect(reached.at(-1)).toBe(12);
});

test('a replica that is lost ends the attempt of its trainer', async () => {
  const host = await openHost();
  const training = trained(sessionsAt([host.address]), (step) => {
    if (step === 3) void host.close();
  });
  await expect(training).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringMatching(`^replica 1 of the student at ${host.address}`),
  });
});

test('a replica whose process is asked to exit trains on until its trainer has closed it, and no other is opened', async () => {
  const host = await openHost();
  let left: Promise<void> | undefined;
  const training = trained(sessionsAt([host.address]), (step) => {
    if (step === 3) left ??= host.replicas.leave();
  });
  expect(await training).toBe(await trained(engineSessions));
  await left;
  await expect(trained(sessionsAt([host.address]))).rejects.toThrow('shutting down');
});

test('a replica that cannot be reached, or has no such learner, is named', async () => {
  const gone = await openHost();
  await gone.close();
  await expect(trained(sessionsAt([gone.address], 0.1))).rejects.toThrow(
    /^replica 1 of the student at .*did not answer for 0.1 s/,
  );
});

test('a process that computes other bits, or has other images, trains no replica', async () => {
  const other = await openHost({ numerics: () => ({ ...numerics, processor: 'elsewhere' }) });
  await expect(trained(sessionsAt([other.address]))).rejects.toThrow(
    'replicas of a learner must compute the same bits, and this process has processor elsewhere instead of here',
  );
  const images = await openHost({ loadDataset: (of) => loadDataset({ ...of, seed: of.seed + 1 }) });
  await expect(trained(sessionsAt([images.address]))).rejects.toThrow(/the training split .* has another digest/);
});

test('a replica is trained by one trainer at a time: a later one takes it over', async () => {
  const host = await openHost();
  let took: Promise<unknown> | undefined;
  const first = trained(sessionsAt([host.address]), (step) => {
    if (step === 2) took ??= trained(sessionsAt([host.address]));
  });
  await expect(first).rejects.toMatchObject({ kind: 'wrong-state' });
  expect(await took).toBe(await trained(engineSessions));
});

test('a process takes megabytes of sums without a round trip, once it has opened a replica, and 64 KiB before', async () => {
  const host = await openHost();
  const session = connect(`http://${host.address}`);
  opened.push({ close: async () => session.destroy() });
  const path = '/trikd.v1.ReplicaService/TrainReplica';
  const call = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
  /** What the client may send: on a stream, and on the connection. */
  const windows = () => [session.remoteSettings.initialWindowSize, session.state.remoteWindowSize];
  await once(session, 'remoteSettings');
  expect(windows()).toEqual([65_535, 65_535]);
  const { digest: datasetDigest } = await loadDataset(spec);
  const model = { stage: 0, spec: canonicalJson(spec), promoted: false, datasetDigest, numerics: undefined };
  const open = TrainReplicaRequest.encode({ request: { $case: 'open', value: { ...model, rank: 1 } } }).finish();
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(open.length, 1);
  call.write(Buffer.concat([prefix, open]));
  await once(call, 'data');
  const [ofStream, ofConnection] = windows();
  expect(ofStream).toBe(RAISED_WINDOW);
  // Less the request, which the server has read.
  expect(ofConnection).toBeGreaterThan(RAISED_WINDOW - 65_535);
});
