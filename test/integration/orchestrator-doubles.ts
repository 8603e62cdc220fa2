import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { Server, ServerCredentials, type ServerWritableStream, type sendUnaryData } from '@grpc/grpc-js';
import { blobsFolder } from '@trikd/core/checkpoint/blobs';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Numerics } from '@trikd/core/domain/numerics';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { Role, StageAttempt, TrainedRole } from '@trikd/core/domain/position';
import type { BestParams, Blob, RoleCheckpoint, Score } from '@trikd/core/domain/role-checkpoint';
import { RunSpec } from '@trikd/core/spec/run-spec';
import type { Stage } from '@trikd/core/stages/stage';
import { stageAt } from '@trikd/core/stages/stages-of';
import type { TrainerEvent } from '@trikd/core/training/ports';
import { fromPosition, fromRole, toAttempt, toBestParams, toPosition } from '@trikd/protocol/convert';
import { fromFrozenScores, toFrozenAssignment } from '@trikd/protocol/convert-anchor';
import { fromNumerics } from '@trikd/protocol/convert-participant';
import { fromTrainerEvent } from '@trikd/protocol/convert-trainer';
import { AnchorServiceService, type LoadAnchorRequest } from '@trikd/protocol/gen/node/trikd/v1/anchor';
import {
  type AssignRequest,
  TrainerServiceService,
  type WatchTrainerRequest,
  type WatchTrainerResponse,
} from '@trikd/protocol/gen/node/trikd/v1/trainer';
import { toStatus } from '@trikd/protocol/status';
import { HealthImplementation } from 'grpc-health-check';

const digestOf = (text: string) => createHash('sha256').update(text).digest('hex');
export const DATASET = digestOf('the training split');

/** How a double behaves where a real model would learn. One epoch is one step. */
export interface ToyWorld {
  readonly accuracyAt?: (role: TrainedRole, stage: number, step: number) => number;
  /** What the trainer fails of instead of training a step. */
  readonly failureAt?: (
    role: TrainedRole,
    at: StageAttempt & { readonly step: number },
  ) => { readonly kind: 'diverged' | 'unavailable'; readonly message: string } | undefined;
  /** A step of every stage is not begun before this resolves. */
  readonly gate?: (role: TrainedRole, stage: number, step: number) => Promise<void>;
  /** Is called with each new limit. */
  readonly limited?: (role: TrainedRole, limit: number) => void;
  readonly datasetDigest?: (role: TrainedRole) => string;
  /** What a model tells that it computes with. */
  readonly numericsAt?: (role: Role, at: StageAttempt) => Numerics | undefined;
  /** SHA-256 of the files that a model has read, by participant. */
  readonly filesAt?: (role: Role, at: StageAttempt) => Readonly<Record<string, string>>;
  /** What an assignment, or the load of an anchor, is refused with. */
  readonly refusalAt?: (role: Role, at: StageAttempt) => TrikdError | undefined;
}

/** A server of the test, and what was asked of it. */
export interface Double<Request> {
  readonly address: string;
  readonly requests: Request[];
  readonly close: () => void;
  /** What `grpc.health.v1` says from now on. */
  readonly health: (status: 'SERVING' | 'NOT_SERVING') => void;
}

interface Attempt {
  readonly request: AssignRequest;
  readonly at: StageAttempt;
  readonly stage: Stage;
  readonly events: TrainerEvent[];
  readonly news: EventTarget;
  /** Steps at which checkpoints were asked for. */
  readonly saves: Set<number>;
  limit: number;
  next: number;
  stopped: boolean;
  watchers: number;
}

/** A TrainerService whose scores and states are functions of role, stage and step. */
export async function toyTrainer(
  role: TrainedRole,
  store: ObjectStore,
  world: ToyWorld,
): Promise<Double<AssignRequest>> {
  const requests: AssignRequest[] = [];
  let current: Attempt | undefined;
  const wanted = (at: StageAttempt): Attempt => {
    if (current && current.at.stage === at.stage && current.at.attempt === at.attempt) return current;
    throw new TrikdError('out-of-step', `no attempt ${at.attempt} of stage ${at.stage} here`);
  };
  const server = new Server();
  const health = addHealth(server);
  server.addService(TrainerServiceService, {
    assign: answering((request: AssignRequest) => {
      requests.push(request);
      const start = toPosition(request.start);
      const refusal = world.refusalAt?.(role, start);
      if (refusal) throw refusal;
      const stage = stageAt(RunSpec.parse(JSON.parse(request.spec)), start.stage, request.promoted);
      if (current) {
        const isFenced = current.watchers > 0 && request.term < current.request.term;
        if (isFenced || (start.attempt < current.at.attempt && start.stage === current.at.stage)) {
          throw new TrikdError('out-of-step', `attempt ${start.attempt} is over`);
        }
        current.stopped = true;
        for (const kind of ['limit', 'event']) current.news.dispatchEvent(new Event(kind));
      }
      current = {
        request,
        at: start,
        stage,
        events: [],
        news: new EventTarget(),
        saves: new Set(),
        limit: request.limit,
        next: start.step,
        stopped: false,
        watchers: 0,
      };
      void trainToy(role, current, store, world);
      return {
        datasetDigest: world.datasetDigest?.(role) ?? DATASET,
        totalSteps: stage.epochs,
        stepsPerEpoch: 1,
        classes: 4,
        numerics: fromNumerics(world.numericsAt?.(role, start)),
        initialFile: Object.values(world.filesAt?.(role, start) ?? {})[0] ?? '',
      };
    }),
    setLimit: answering(({ limit }) => {
      const position = toPosition(limit);
      const attempt = wanted(position);
      if (position.step < attempt.next) {
        throw new TrikdError('wrong-state', `limit ${position.step} is below step ${attempt.next}`);
      }
      attempt.limit = position.step;
      world.limited?.(role, position.step);
      attempt.news.dispatchEvent(new Event('limit'));
      return { nextStep: attempt.next };
    }),
    saveAt: answering(({ position }) => {
      const asked = toPosition(position);
      const attempt = wanted(asked);
      if (asked.step < attempt.next) throw new TrikdError('wrong-state', `step ${attempt.next} has begun`);
      attempt.saves.add(asked.step);
      return { nextStep: attempt.next };
    }),
    getTrainer: answering(() => ({
      role: fromRole(role),
      next: current && fromPosition({ ...current.at, step: current.next }),
      limit: current?.limit ?? 0,
    })),
    watchTrainer: (call: ServerWritableStream<WatchTrainerRequest, WatchTrainerResponse>) => {
      const serve = async () => {
        const attempt = wanted(toAttempt(call.request.attempt));
        attempt.watchers += 1;
        const left = new AbortController();
        left.signal.addEventListener('abort', () => {
          attempt.watchers -= 1;
        });
        for (const way of ['cancelled', 'finish'] as const) call.once(way, () => left.abort());
        for (let number = call.request.fromEvent; !call.cancelled; number++) {
          if (call.request.pastOnly && attempt.events.length <= number) break;
          while (attempt.events.length <= number) {
            if (attempt !== current) throw new TrikdError('out-of-step', `attempt ${attempt.at.attempt} is over`);
            await once(attempt.news, 'event');
          }
          const event = attempt.events[number];
          if (event) call.write({ number, event: fromTrainerEvent(event) });
        }
        call.end();
      };
      serve().catch((error: unknown) => call.emit('error', toStatus(error)));
    },
  });
  return { address: await listen(server), requests, health, close: () => server.forceShutdown() };
}

/** Adds `grpc.health.v1`. */
function addHealth(server: Server) {
  const health = new HealthImplementation({ '': 'SERVING' });
  health.addToServer(server);
  return (status: 'SERVING' | 'NOT_SERVING') => health.setStatus('', status);
}

const scored = (accuracy: number): Score => ({ metrics: { accuracy, nll: 0.5 }, examples: 400 });
const accuracyOf = ({ validation }: Pick<BestParams, 'validation'>) => validation.metrics['accuracy'] ?? 0;

async function trainToy(role: TrainedRole, attempt: Attempt, store: ObjectStore, world: ToyWorld): Promise<void> {
  const { at, stage, request } = attempt;
  const accuracyAt = world.accuracyAt ?? ((_role, stageIndex, step) => 0.6 + 0.05 * stageIndex + 0.01 * step);
  let best: BestParams | undefined = request.resume?.best && toBestParams(request.resume.best);
  const emit = (event: TrainerEvent) => {
    attempt.events.push(event);
    attempt.news.dispatchEvent(new Event('event'));
  };
  const save = async (what: string): Promise<Blob> => {
    const bytes = Buffer.from(`${what} of the ${role} in generation ${at.stage} after ${attempt.next} steps`);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const key = `${blobsFolder(at)}${sha256}.safetensors`;
    await store.put(key, bytes);
    return { key, sha256, bytes: bytes.byteLength };
  };
  const checkpoint = async (): Promise<RoleCheckpoint> => ({
    step: attempt.next,
    state: await save('state'),
    ...(best && { best }),
  });
  const rest = async () => {
    if (best) best = { ...best, test: scored(accuracyOf(best) - 0.01) };
    emit({ kind: 'checkpoint', checkpoint: await checkpoint() });
    emit({ kind: 'resting', nextStep: attempt.next });
  };
  while (attempt.next < stage.epochs) {
    if (attempt.next >= attempt.limit) await rest();
    while (attempt.next >= attempt.limit && !attempt.stopped) await once(attempt.news, 'limit');
    await world.gate?.(role, at.stage, attempt.next);
    await turn();
    if (attempt.stopped) return;
    const failure = world.failureAt?.(role, { ...at, step: attempt.next });
    if (failure) return emit({ kind: 'failure', failure });
    attempt.next += 1;
    const step = attempt.next;
    emit({ kind: 'progress', progress: progressAt(step, request) });
    if (step % stage.evaluation.everyEpochs === 0 || step === stage.epochs) {
      const validation = scored(accuracyAt(role, at.stage, step));
      if (!best || accuracyOf({ validation }) > accuracyOf(best)) {
        best = { step, validation, params: await save('params') };
      }
      emit({ kind: 'evaluation', step, validation });
    }
    const saves = step % stage.checkpoint.everyEpochs === 0 || attempt.saves.has(step);
    if (saves && step < stage.epochs) {
      emit({ kind: 'checkpoint', checkpoint: await checkpoint() });
    }
  }
  await rest();
}

function progressAt(nextStep: number, { sources }: AssignRequest) {
  return {
    nextStep,
    terms: [{ part: 'task', value: 1 / nextStep }],
    batchMetrics: { accuracy: 0.5 },
    gradientNorm: 1,
    learningRate: 0.1,
    stepsPerSecond: 10,
    waits: Object.fromEntries(sources.map(({ participant }) => [participant, 0.1])),
  };
}

/** An AnchorService that scores every frozen model alike. */
export async function toyAnchor(digest = DATASET, world: ToyWorld = {}): Promise<Double<LoadAnchorRequest>> {
  const requests: LoadAnchorRequest[] = [];
  const server = new Server();
  const health = addHealth(server);
  server.addService(AnchorServiceService, {
    loadAnchor: answering((request: LoadAnchorRequest) => {
      requests.push(request);
      const { start, params } = toFrozenAssignment(request);
      const refusal = world.refusalAt?.('anchor', start);
      if (refusal) throw refusal;
      const score = { metrics: { accuracy: 0.7, nll: 0.6 }, examples: 400 };
      const files = world.filesAt?.('anchor', start) ?? {};
      const names = Object.keys({ ...params, ...files });
      const scores = names.map((name) => [name, { validation: score, test: score }] as const);
      const numerics = fromNumerics(world.numericsAt?.('anchor', start));
      return { datasetDigest: digest, scores: fromFrozenScores(Object.fromEntries(scores)), numerics, files };
    }),
    getAnchor: answering(() => ({ serving: requests.at(-1)?.start, frozen: requests.at(-1)?.frozen ?? [] })),
  });
  return { address: await listen(server), requests, health, close: () => server.forceShutdown() };
}

function answering<Request, Response>(answer: (request: Request) => Response) {
  return (call: { readonly request: Request }, callback: sendUnaryData<Response>) => {
    try {
      callback(null, answer(call.request));
    } catch (error) {
      callback(toStatus(error));
    }
  };
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(`127.0.0.1:${port}`),
    );
  });
}
