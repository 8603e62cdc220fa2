import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { Position, StageAttempt } from '@trikd/core/domain/position';
import { peerOf, type TrainedRole } from '@trikd/core/domain/position';
import type { Blob, RoleCheckpoint } from '@trikd/core/domain/role-checkpoint';
import type { Agreement } from '@trikd/core/exchange/frame';
import { AdmissionLimits, ownAdmission } from '@trikd/core/spec/admission';
import { type RunSpec, specDigest } from '@trikd/core/spec/run-spec';
import type { TrainerEvent } from '@trikd/core/training/ports';
import { ANCHOR_SERVICES, anchorModule } from '@trikd/model-host/anchor/anchor.module';
import { createAnchorHolder } from '@trikd/model-host/anchor/anchor-holder';
import type { AnchorParts } from '@trikd/model-host/anchor/anchor-parts';
import { loadDataset, rememberLast } from '@trikd/model-host/data/load-dataset';
import { createReplicaHost } from '@trikd/model-host/replica/replica-host';
import { createTrainer, type Trainer } from '@trikd/model-host/trainer/trainer';
import { TRAINER_SERVICES, trainerModule } from '@trikd/model-host/trainer/trainer.module';
import { createLogger } from '@trikd/process/logging';
import { systemClock } from '@trikd/process/system-clock';
import { fromPosition, fromRoleCheckpoint } from '@trikd/protocol/convert';
import { fromFrozenParams } from '@trikd/protocol/convert-anchor';
import { toTrainerEvent } from '@trikd/protocol/convert-trainer';
import { AnchorServiceClient } from '@trikd/protocol/gen/node/trikd/v1/anchor';
import type { StepTracing } from '@trikd/protocol/gen/node/trikd/v1/common';
import { type AssignRequest, TrainerServiceClient } from '@trikd/protocol/gen/node/trikd/v1/trainer';
import { specFor } from '@trikd/testing/specs/spec-for';
import { numberAnchor, numberTrainer } from '@trikd/testing/toy-model/number-model';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import { openClient, unary, watch } from '@trikd/transport/grpc/clients';
import { dialProducer } from '@trikd/transport/grpc/exchange-client';
import { createService } from '@trikd/transport/nest/create-service';

export const spec = specFor('32 steps', { curriculum: { generations: 10 } });
export const TOTAL_STEPS = 32;
export const attempt: StageAttempt = { runId: 'r', stage: 0, attempt: 1 };

const log = createLogger({ level: 'silent' }, 'test');
const never = new AbortController().signal;

export async function agreement(of = spec): Promise<Agreement> {
  const { digest, classes } = await loadDataset(of);
  return { specDigest: specDigest(of), datasetDigest: digest, classes, batchSize: of.batchSize, seed: of.seed };
}

/** One trainer as a service, with a client that steers it. */
export async function openTrainer(role: TrainedRole, store: ObjectStore, trainStage = numberTrainer()) {
  const outside = { dial: dialProducer, clock: systemClock, random: Math.random };
  const trainer: Trainer = createTrainer({ role, store, loadDataset, trainStage, log, ...outside }, 0.3);
  const admission = ownAdmission(AdmissionLimits.parse({}));
  const replicas = createReplicaHost({ role, admission, loadDataset, clock: systemClock, log });
  const module = trainerModule(trainer, replicas, never);
  const service = await createService({
    module,
    services: TRAINER_SERVICES,
    listen: '127.0.0.1:0',
    log,
    drainSeconds: 0.2,
  });
  const client = openClient(TrainerServiceClient, service.address);
  const what = `the ${role}`;
  return {
    address: service.address,
    /** An assignment without sources gets a peer that the test never hears. */
    assign: ({ sources, ...request }: AssignRequest) => {
      const unheard = [{ participant: peerOf(role), address: '127.0.0.1:1' }];
      return unary(
        client.assign.bind(client),
        { ...request, sources: sources.length > 0 ? sources : unheard },
        { what },
      );
    },
    setLimit: (of: StageAttempt, limit: number) =>
      unary(client.setLimit.bind(client), { limit: fromPosition({ ...of, step: limit }) }, { what }),
    saveAt: (of: StageAttempt, step: number) =>
      unary(client.saveAt.bind(client), { position: fromPosition({ ...of, step }) }, { what }),
    get: () => unary(client.getTrainer.bind(client), {}, { what }),
    events: (of: StageAttempt, from = 0, signal = never) =>
      watch({
        what,
        open: (fromEvent) =>
          client.watchTrainer({ attempt: fromPosition({ ...of, step: 0 }), fromEvent, pastOnly: false }),
        numberOf: ({ number }) => number,
        from,
        signal,
      }),
    async close() {
      client.close();
      await Promise.all([trainer.stop(), service.close()]);
    },
  };
}

export type TrainerUnderTest = Awaited<ReturnType<typeof openTrainer>>;

/** The anchor-server as a service, with a client that steers it. */
export async function openAnchorServer(
  store: ObjectStore,
  openFrozen = numberAnchor(),
  further: Partial<AnchorParts> = {},
) {
  const anchor = createAnchorHolder({
    store,
    loadDataset: rememberLast(loadDataset),
    openFrozen,
    clock: systemClock,
    random: Math.random,
    log,
    ...further,
  });
  const module = anchorModule(anchor, never);
  const service = await createService({
    module,
    services: ANCHOR_SERVICES,
    listen: '127.0.0.1:0',
    log,
    drainSeconds: 0.2,
  });
  const client = openClient(AnchorServiceClient, service.address);
  const load = (
    start: Position,
    frozen: Readonly<Record<string, Blob>>,
    of = spec,
    tracing?: StepTracing,
    term = 1,
  ) => {
    const order = { start: fromPosition(start), term, exchangeSecret: SECRET, spec: JSON.stringify(of), tracing };
    const request = { ...order, frozen: fromFrozenParams(frozen) };
    return unary(client.loadAnchor.bind(client), request, { what: 'the anchor' });
  };
  return {
    address: service.address,
    load: (start: Position, params: Blob, of = spec, tracing?: StepTracing, term = 1) =>
      load(start, { anchor: params }, of, tracing, term),
    /** Loads any frozen models, by name. */
    loadFrozen: load,
    get: () => unary(client.getAnchor.bind(client), {}, { what: 'the anchor' }),
    async close() {
      client.close();
      await Promise.all([anchor.stop(), service.close()]);
    },
  };
}

export type AnchorUnderTest = Awaited<ReturnType<typeof openAnchorServer>>;

interface AssignOptions {
  readonly of?: StageAttempt;
  readonly term?: number;
  readonly limit?: number;
  /** Addresses by participant. With one of the anchor, there was a promotion. */
  readonly sources?: Readonly<Record<string, string>>;
  readonly resume?: RoleCheckpoint;
  readonly trained?: RunSpec;
  readonly tracing?: StepTracing;
}

export function assignment(options: AssignOptions = {}): AssignRequest {
  const { tracing, of = attempt, term = 1, trained = spec, limit = TOTAL_STEPS, sources = {}, resume } = options;
  return {
    start: fromPosition({ ...of, step: resume?.step ?? 0 }),
    term,
    exchangeSecret: SECRET,
    spec: JSON.stringify(trained),
    limit,
    sources: Object.entries(sources).map(([participant, address]) => ({ participant, address })),
    replicas: [],
    promoted: sources['anchor'] !== undefined,
    init: undefined,
    resume: resume && fromRoleCheckpoint(resume),
    tracing,
  };
}

/** Reads a trainer's events up to the first that fits. */
export async function until<Kind extends TrainerEvent['kind']>(
  trainer: TrainerUnderTest,
  kind: Kind,
  fits: (event: Extract<TrainerEvent, { kind: Kind }>) => boolean = () => true,
  of = attempt,
): Promise<Extract<TrainerEvent, { kind: Kind }>> {
  const isKind = (event: TrainerEvent): event is Extract<TrainerEvent, { kind: Kind }> => event.kind === kind;
  for await (const response of trainer.events(of)) {
    const event = toTrainerEvent(response);
    if (isKind(event) && fits(event)) return event;
    if (event.kind === 'failure') throw new Error(event.failure.message);
  }
  throw new Error(`the stream of events ended before ${kind}`);
}

/** A trainer's part of the checkpoint of one step. */
export async function checkpointAt(trainer: TrainerUnderTest, step: number, of = attempt): Promise<RoleCheckpoint> {
  const { checkpoint } = await until(trainer, 'checkpoint', (event) => event.checkpoint.step === step, of);
  return checkpoint;
}

/** What a checkpoint contains, wherever its attempt has put it. */
export function contentOf({ step, state, best }: RoleCheckpoint) {
  return { step, state: state.sha256, ...(best && { best: { ...best, params: best.params.sha256 } }) };
}
