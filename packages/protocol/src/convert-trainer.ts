import { canonicalJson } from '@trikd/core/domain/canonical-json';
import { isFailureKind, TrikdError, visible } from '@trikd/core/domain/errors';
import { type Assignment, assertAssignment, startStepOf } from '@trikd/core/training/assignment';
import type { TrainerEvent, TrainerProgress } from '@trikd/core/training/ports';
import {
  fromBlob,
  fromPosition,
  fromRoleCheckpoint,
  fromScore,
  fromTracing,
  toBlob,
  toMetrics,
  toPosition,
  toRoleCheckpoint,
  toScore,
  toSecret,
  toTerm,
  toTracing,
} from './convert.js';
import { toParticipant } from './convert-participant.js';
import {
  type AssignRequest,
  type TrainerProgress as ProgressMessage,
  type WatchTrainerResponse,
} from './gen/node/trikd/v1/trainer.js';
import { parseSpec } from './parse-spec.js';

type EventMessage = NonNullable<WatchTrainerResponse['event']>;

export function fromTrainerEvent(event: TrainerEvent): EventMessage {
  switch (event.kind) {
    case 'progress':
      return { $case: 'progress', value: fromProgress(event.progress) };
    case 'evaluation':
      return { $case: 'evaluation', value: { step: event.step, validation: fromScore(event.validation) } };
    case 'checkpoint':
      return { $case: 'checkpoint', value: fromRoleCheckpoint(event.checkpoint) };
    case 'resting':
      return { $case: 'resting', value: { nextStep: event.nextStep } };
    case 'alarm':
      return { $case: 'alarm', value: { step: event.step, message: event.message } };
    case 'stalled':
      return { $case: 'stalled', value: { on: event.on, reason: event.reason } };
    case 'went-on':
      return { $case: 'wentOn', value: { on: event.on } };
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
      return { kind: 'stalled', on: toParticipant(event.value.on), reason: sentence(event.value.reason) };
    case 'wentOn':
      return { kind: 'went-on', on: toParticipant(event.value.on) };
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

export function fromProgress(progress: TrainerProgress): ProgressMessage {
  const waits = Object.entries(progress.waits).map(([participant, share]) => ({ participant, share }));
  const { nextStep, gradientNorm, learningRate, stepsPerSecond } = progress;
  const batchMetrics = { ...progress.batchMetrics };
  const terms = progress.terms.map(({ part, value, open, temperature }) => ({ part, value, open, temperature }));
  return { nextStep, batchMetrics, gradientNorm, learningRate, stepsPerSecond, terms, waits };
}

export function toProgress(message: ProgressMessage): TrainerProgress {
  const waits = Object.fromEntries(message.waits.map(({ participant, share }) => [toParticipant(participant), share]));
  const { nextStep, gradientNorm, learningRate, stepsPerSecond } = message;
  const batchMetrics = toMetrics(message.batchMetrics);
  const terms = message.terms.map(({ part, value, open, temperature }) => ({
    part: toParticipant(part),
    value,
    ...(open !== undefined && { open }),
    ...(temperature !== undefined && { temperature }),
  }));
  return { nextStep, batchMetrics, gradientNorm, learningRate, stepsPerSecond, terms, waits };
}

/**
 * @throws TrikdError 'invalid' for a start step that is not the one of the checkpoint to resume from, and for what does
 * not belong to the run
 */
export function toAssignment(request: AssignRequest): Assignment {
  const { step, ...attempt } = toPosition(request.start);
  const { limit, promoted } = request;
  const sources = Object.fromEntries(
    request.sources.map(({ participant, address }) => [toParticipant(participant), address]),
  );
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
    sources,
    ...(request.replicas.length > 0 && { replicas: request.replicas }),
    promoted,
    ...(request.init && { init: toBlob(request.init) }),
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
    sources,
    replicas = [],
    promoted,
    init,
    resume,
    tracing,
  } = assignment;
  return {
    start: fromPosition({ ...attempt, step: startStepOf(assignment) }),
    term,
    exchangeSecret,
    spec: canonicalJson(spec),
    limit,
    sources: Object.entries(sources).map(([participant, address]) => ({ participant, address })),
    replicas: [...replicas],
    promoted,
    init: init && fromBlob(init),
    resume: resume && fromRoleCheckpoint(resume),
    tracing: fromTracing(tracing),
  };
}
