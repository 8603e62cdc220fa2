import { TrikdError } from '@trikd/core/domain/errors';
import type { Position, Role, StageAttempt, TrainedRole } from '@trikd/core/domain/position';
import type { BestParams, Blob, RoleCheckpoint } from '@trikd/core/domain/role-checkpoint';
import { areMetrics, MOST_METRICS, type Score } from '@trikd/core/domain/role-checkpoint';
import type { Agreement, LogitsFrame } from '@trikd/core/exchange/frame';
import type { Subscription } from '@trikd/core/exchange/subscribe';
import type { StepTracing } from '@trikd/core/timing/trace-ids';
import { fromLogits, toLogits } from './convert-tensors.js';
import {
  type Blob as BlobMessage,
  type Position as PositionMessage,
  Role as RoleMessage,
  type Score as ScoreMessage,
  type StepTracing as TracingMessage,
} from './gen/node/trikd/v1/common.js';
import {
  type Agreement as AgreementMessage,
  type LogitsFrame as FrameMessage,
  type StreamLogitsRequest,
} from './gen/node/trikd/v1/exchange.js';
import type {
  BestParams as BestParamsMessage,
  TrainerCheckpoint as CheckpointMessage,
} from './gen/node/trikd/v1/trainer.js';

// Named pairs: `toX` makes what the core knows from a message, `fromX` the message from what the core knows.
// A message that lacks a part it must have is refused with kind 'invalid'.

export function toPosition(message: PositionMessage | undefined): Position {
  const { runId, stage, attempt, step } = required(message, 'position');
  return { runId, stage, attempt, step };
}

export function fromPosition(position: Position): PositionMessage {
  const { runId, stage, attempt, step } = position;
  return { runId, stage, attempt, step };
}

export function toAttempt(message: PositionMessage | undefined): StageAttempt {
  const { runId, stage, attempt } = required(message, 'attempt');
  return { runId, stage, attempt };
}

/** The term of the leader that gives an order. */
export function toTerm(term: number): number {
  if (term === 0) throw new TrikdError('invalid', 'the order lacks the term of its orchestrator, which counts from 1');
  return term;
}

/** The secret of an attempt. */
export function toSecret(secret: string): string {
  if (/^[0-9a-f]{64}$/.test(secret)) return secret;
  throw new TrikdError('invalid', 'the order lacks the secret of its exchange, 64 hex digits');
}

/** The digest of a file that a service has read. */
export function toSha256(digest: string): string {
  if (/^[0-9a-f]{64}$/.test(digest)) return digest;
  throw new TrikdError('invalid', 'the digest of a file must be 64 hex digits');
}

const ROLES: Readonly<Record<Role, RoleMessage>> = {
  anchor: RoleMessage.ROLE_ANCHOR,
  teacher: RoleMessage.ROLE_TEACHER,
  student: RoleMessage.ROLE_STUDENT,
};

export function toRole(message: RoleMessage): Role {
  for (const role of ['anchor', 'teacher', 'student'] as const) if (ROLES[role] === message) return role;
  throw new TrikdError('invalid', `role ${message} is none of anchor, teacher and student`);
}

export function toTrainedRole(message: RoleMessage): TrainedRole {
  const role = toRole(message);
  if (role === 'anchor') throw new TrikdError('invalid', 'the anchor does not train');
  return role;
}

export function fromRole(role: Role): RoleMessage {
  return ROLES[role];
}

export function toBlob(message: BlobMessage | undefined): Blob {
  const { key, sha256, bytes } = required(message, 'blob');
  return { key, sha256, bytes };
}

export function fromBlob({ key, sha256, bytes }: Blob): BlobMessage {
  return { key, sha256, bytes };
}

const LONGEST_SEED = 64;

/** Undefined where nothing is traced. */
export function toTracing(message: TracingMessage | undefined): StepTracing | undefined {
  if (!message || message.seed === '') return undefined;
  if (message.seed.length > LONGEST_SEED) {
    throw new TrikdError('invalid', `a seed of traces has at most ${LONGEST_SEED} characters`);
  }
  return { seed: message.seed, everySteps: message.everySteps };
}

export function fromTracing(tracing: StepTracing | undefined): TracingMessage | undefined {
  return tracing && { seed: tracing.seed, everySteps: tracing.everySteps };
}

export function toScore(message: ScoreMessage | undefined): Score {
  const { metrics, examples } = required(message, 'score');
  return { metrics: toMetrics(metrics), examples };
}

export function fromScore({ metrics, examples }: Score): ScoreMessage {
  return { metrics: { ...metrics }, examples };
}

/** @throws TrikdError 'invalid' for what no store accepts */
export function toMetrics(metrics: Readonly<Record<string, number>>): Score['metrics'] {
  if (areMetrics(metrics)) return { ...metrics };
  throw new TrikdError('invalid', `a score has at most ${MOST_METRICS} metrics, each with a short name`);
}

export function toBestParams(message: BestParamsMessage): BestParams {
  return {
    step: message.step,
    validation: toScore(message.validation),
    params: toBlob(message.params),
    ...(message.test && { test: toScore(message.test) }),
  };
}

export function fromBestParams(best: BestParams): BestParamsMessage {
  return {
    step: best.step,
    validation: fromScore(best.validation),
    test: best.test && fromScore(best.test),
    params: fromBlob(best.params),
  };
}

export function toRoleCheckpoint(message: CheckpointMessage): RoleCheckpoint {
  return {
    step: message.step,
    state: toBlob(message.state),
    ...(message.best && { best: toBestParams(message.best) }),
  };
}

export function fromRoleCheckpoint({ step, state, best }: RoleCheckpoint): CheckpointMessage {
  return { step, state: fromBlob(state), best: best && fromBestParams(best) };
}

export function toAgreement(message: AgreementMessage | undefined): Agreement {
  const { specDigest, datasetDigest, classes, batchSize, seed } = required(message, 'agreement');
  return { specDigest, datasetDigest, classes, batchSize, seed };
}

export function fromAgreement({ specDigest, datasetDigest, classes, batchSize, seed }: Agreement): AgreementMessage {
  return { specDigest, datasetDigest, classes, batchSize, seed };
}

export function toSubscription(message: StreamLogitsRequest): Subscription {
  return {
    consumer: toRole(message.consumer),
    from: toPosition(message.from),
    agreement: toAgreement(message.agreement),
    secret: message.secret,
    producer: message.producer,
  };
}

export function fromSubscription({ consumer, producer, from, agreement, secret }: Subscription): StreamLogitsRequest {
  return {
    consumer: fromRole(consumer),
    producer,
    from: fromPosition(from),
    agreement: fromAgreement(agreement),
    secret,
  };
}

/**
 * A frame whose data are the received bytes themselves where they are aligned, else a copy.
 * @throws TrikdError 'invalid' for bytes that do not fill the shape, see `toLogits`
 */
export function toFrame(message: FrameMessage | undefined): LogitsFrame {
  const frame = required(message, 'frame');
  return {
    position: toPosition(frame.position),
    batchDigest: frame.batchDigest.toString('hex'),
    logits: toLogits(frame),
    ...(frame.traceparent !== '' && { traceparent: frame.traceparent }),
  };
}

/** The message shares the memory of the logits: they must not be written to any more. */
export function fromFrame({ position, batchDigest, logits, traceparent }: LogitsFrame): FrameMessage {
  return {
    position: fromPosition(position),
    batchDigest: Buffer.from(batchDigest, 'hex'),
    ...fromLogits(logits),
    traceparent: traceparent ?? '',
  };
}

function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new TrikdError('invalid', `the message lacks its ${what}`);
  return value;
}
