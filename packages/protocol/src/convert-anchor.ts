import { canonicalJson } from '@trikd/core/domain/canonical-json';
import type { Blob } from '@trikd/core/domain/role-checkpoint';
import type { FrozenScores } from '@trikd/core/run/state';
import type { FrozenAssignment } from '@trikd/core/training/assignment';
import { assertFrozenAssignment } from '@trikd/core/training/assignment';
import {
  fromBlob,
  fromPosition,
  fromScore,
  fromTracing,
  toBlob,
  toPosition,
  toScore,
  toSecret,
  toSha256,
  toTerm,
  toTracing,
} from './convert.js';
import { toParticipant } from './convert-participant.js';
import type {
  LoadAnchorRequest,
  FrozenParams as ParamsMessage,
  FrozenScores as ScoresMessage,
} from './gen/node/trikd/v1/anchor.js';
import { parseSpec } from './parse-spec.js';

/** @throws TrikdError 'invalid' for a message that lacks a part, and for what does not belong to the run */
export function toFrozenAssignment(request: LoadAnchorRequest): FrozenAssignment {
  const tracing = toTracing(request.tracing);
  const assignment = {
    start: toPosition(request.start),
    term: toTerm(request.term),
    exchangeSecret: toSecret(request.exchangeSecret),
    spec: parseSpec(request.spec),
    params: Object.fromEntries(
      request.frozen.map(({ participant, params }) => [toParticipant(participant), toBlob(params)]),
    ),
    ...(tracing && { tracing }),
  };
  assertFrozenAssignment(assignment);
  return assignment;
}

export function fromFrozenAssignment(assignment: FrozenAssignment): LoadAnchorRequest {
  const { start, term, exchangeSecret, spec, params, tracing } = assignment;
  return {
    start: fromPosition(start),
    term,
    exchangeSecret,
    spec: canonicalJson(spec),
    frozen: fromFrozenParams(params),
    tracing: fromTracing(tracing),
  };
}

export function fromFrozenParams(params: Readonly<Record<string, Blob>>): ParamsMessage[] {
  return Object.entries(params).map(([participant, blob]) => ({ participant, params: fromBlob(blob) }));
}

/** SHA-256 of the files that params were read from, by name of the model. @throws TrikdError 'invalid' for what is no SHA-256 */
export function toFileDigests(files: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(files).map(([name, sha256]) => [toParticipant(name), toSha256(sha256)]));
}

export function fromFrozenScores(scores: Readonly<Record<string, FrozenScores>>): ScoresMessage[] {
  return Object.entries(scores).map(([participant, { validation, test }]) => ({
    participant,
    validation: fromScore(validation),
    test: fromScore(test),
  }));
}

export function toFrozenScores(messages: readonly ScoresMessage[]): Readonly<Record<string, FrozenScores>> {
  const scores = messages.map(({ participant, validation, test }) => {
    return [toParticipant(participant), { validation: toScore(validation), test: toScore(test) }] as const;
  });
  return Object.fromEntries(scores);
}
