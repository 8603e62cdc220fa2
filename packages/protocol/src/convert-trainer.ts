import { canonicalJson } from '@trikd/core/domain/canonical-json';
import { isFailureKind, TrikdError, visible } from '@trikd/core/domain/errors';
import type { FrameSource } from '@trikd/core/domain/role';
import { peerOf, type Role, type TrainedRole } from '@trikd/core/domain/role';
import { type Assignment, startStepOf } from '@trikd/core/training/assignment';
import { assertAssignment } from '@trikd/core/training/check-order';
import type { LossTerm, StallCause, TrainerEvent, TrainerProgress } from '@trikd/core/training/trainer-event';
import {
  fromPosition,
  fromRole,
  fromRoleCheckpoint,
  fromScore,
  fromTracing,
  toMetrics,
  toPosition,
  toRole,
  toRoleCheckpoint,
  toScore,
  toSecret,
  toTerm,
  toTracing,
} from './convert.js';
import {
  type AssignRequest,
  type LossTerm as LossTermMessage,
  type TrainerProgress as ProgressMessage,
  StallCause as StallCauseMessage,
  type WaitShare,
  type WatchTrainerResponse,
} from './gen/node/trikd/v1/trainer.js';
import { parseSpec } from './parse-spec.js';

type EventMessage = NonNullable<WatchTrainerResponse['event']>;

/** `role` is the trainer's own: its waits are named by model on the wire. */
export function fromTrainerEvent(event: TrainerEvent, role: TrainedRole): EventMessage {
  switch (event.kind) {
    case 'progress':
      return { $case: 'progress', value: fromProgress(event.progress, role) };
    case 'evaluation':
      return { $case: 'evaluation', value: { step: event.step, validation: fromScore(event.validation) } };
    case 'checkpoint':
      return { $case: 'checkpoint', value: fromRoleCheckpoint(event.checkpoint) };
    case 'resting':
      return { $case: 'resting', value: { nextStep: event.nextStep } };
    case 'alarm':
      return { $case: 'alarm', value: { step: event.step, message: event.message } };
    case 'stalled':
      return { $case: 'stalled', value: { on: STALL_CAUSES[event.on], reason: event.reason } };
    case 'went-on':
      return { $case: 'wentOn', value: { on: STALL_CAUSES[event.on] } };
    case 'leaving':
      return { $case: 'leaving', value: {} };
    case 'failure':
      return { $case: 'failure', value: { kind: event.failure.kind, message: event.failure.message } };
  }
}

/** Characters of a sentence of a trainer, at most: events are kept, sent to all watchers and shown. */
const LONGEST_SENTENCE = 1000;

/** A sentence of a trainer, with nothing that controls a terminal. */
function sentence(text: string): string {
  const short = text.length > LONGEST_SENTENCE ? `${text.slice(0, LONGEST_SENTENCE).toWellFormed()}...` : text;
  return visible(short);
}

/** @throws TrikdError 'invalid' for an event that this version does not know. */
export function toTrainerEvent({ event }: WatchTrainerResponse): TrainerEvent {
  switch (event?.$case) {
    case 'progress':
      return { kind: 'progress', progress: toProgress(event.value) };
    case 'evaluation':
      return { kind: 'evaluation', step: event.value.step, validation: toScore(event.value.validation) };
    case 'checkpoint':
      return { kind: 'checkpoint', checkpoint: toRoleCheckpoint(event.value) };
    case 'resting':
      return { kind: 'resting', nextStep: event.value.nextStep };
    case 'alarm':
      return { kind: 'alarm', step: event.value.step, message: sentence(event.value.message) };
    case 'stalled':
      return { kind: 'stalled', on: toStallCause(event.value.on), reason: sentence(event.value.reason) };
    case 'wentOn':
      return { kind: 'went-on', on: toStallCause(event.value.on) };
    case 'leaving':
      return { kind: 'leaving' };
    case 'failure':
      return {
        kind: 'failure',
        failure: {
          kind: isFailureKind(event.value.kind) ? event.value.kind : 'internal',
          message: sentence(event.value.message),
        },
      };
    case undefined:
      throw new TrikdError('invalid', 'a trainer sent an event of a kind that is not known here');
  }
}

export function fromProgress(progress: TrainerProgress, role: TrainedRole): ProgressMessage {
  const model = (source: FrameSource): Role => (source === 'anchor' ? 'anchor' : peerOf(role));
  const waits = (['anchor', 'peer'] as const).flatMap((source): WaitShare[] => {
    const share = progress.waits[source];
    return share === undefined ? [] : [{ peer: fromRole(model(source)), share }];
  });
  const { nextStep, gradientNorm, learningRate, stepsPerSecond } = progress;
  const batchMetrics = { ...progress.batchMetrics };
  const terms = progress.terms.map(({ part, value }) => ({ part, value }));
  return { nextStep, batchMetrics, gradientNorm, learningRate, stepsPerSecond, terms, waits };
}

export function toProgress(message: ProgressMessage): TrainerProgress {
  const waits: Partial<Record<FrameSource, number>> = {};
  for (const { peer, share } of message.waits) waits[toRole(peer) === 'anchor' ? 'anchor' : 'peer'] = share;
  const { nextStep, gradientNorm, learningRate, stepsPerSecond } = message;
  const batchMetrics = toMetrics(message.batchMetrics);
  const terms = message.terms.map(toLossTerm);
  return { nextStep, batchMetrics, gradientNorm, learningRate, stepsPerSecond, terms, waits };
}

function toLossTerm({ part, value }: LossTermMessage): LossTerm {
  if (part !== 'task' && part !== 'anchor' && part !== 'peer') {
    throw new TrikdError('invalid', `"${part}" is no part of an objective`);
  }
  return { part, value };
}

const STALL_CAUSES: Readonly<Record<StallCause, StallCauseMessage>> = {
  store: StallCauseMessage.STALL_CAUSE_STORE,
  anchor: StallCauseMessage.STALL_CAUSE_ANCHOR,
  teacher: StallCauseMessage.STALL_CAUSE_TEACHER,
  student: StallCauseMessage.STALL_CAUSE_STUDENT,
};

function toStallCause(message: StallCauseMessage): StallCause {
  for (const cause of ['store', 'anchor', 'teacher', 'student'] as const) {
    if (STALL_CAUSES[cause] === message) return cause;
  }
  throw new TrikdError('invalid', `a trainer is stalled on ${message}, which is not known here`);
}

/**
 * @throws TrikdError 'invalid' for a start step that is not the one of the checkpoint to resume from, and for what does
 * not belong to the run
 */
export function toAssignment(request: AssignRequest): Assignment {
  const { step, ...attempt } = toPosition(request.start);
  const { peerAddress, anchorAddress, limit } = request;
  const term = toTerm(request.term);
  const exchangeSecret = toSecret(request.exchangeSecret);
  const resume = request.resume && toRoleCheckpoint(request.resume);
  const tracing = toTracing(request.tracing);
  if (step !== startStepOf({ ...(resume && { resume }) })) {
    const from = resume ? `a checkpoint of step ${resume.step}` : 'no checkpoint';
    throw new TrikdError('invalid', `cannot start at step ${step} from ${from}`, { step });
  }
  const assignment = {
    attempt,
    term,
    exchangeSecret,
    limit,
    spec: parseSpec(request.spec),
    ...(peerAddress !== '' && { peerAddress }),
    ...(anchorAddress !== '' && { anchorAddress }),
    ...(resume && { resume }),
    ...(tracing && { tracing }),
  };
  assertAssignment(assignment);
  return assignment;
}

export function fromAssignment(assignment: Assignment): AssignRequest {
  const {
    attempt,
    term,
    exchangeSecret,
    spec,
    limit,
    peerAddress = '',
    anchorAddress = '',
    resume,
    tracing,
  } = assignment;
  return {
    start: fromPosition({ ...attempt, step: startStepOf(assignment) }),
    term,
    exchangeSecret,
    spec: canonicalJson(spec),
    limit,
    peerAddress,
    anchorAddress,
    resume: resume && fromRoleCheckpoint(resume),
    tracing: fromTracing(tracing),
  };
}
