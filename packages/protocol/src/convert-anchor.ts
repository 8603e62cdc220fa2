import { canonicalJson } from '@trikd/core/domain/canonical-json';
import type { AnchorAssignment } from '@trikd/core/training/assignment';
import { assertAnchorAssignment } from '@trikd/core/training/check-order';
import { fromBlob, fromPosition, fromTracing, toBlob, toPosition, toSecret, toTerm, toTracing } from './convert.js';
import type { LoadAnchorRequest } from './gen/node/trikd/v1/anchor.js';
import { parseSpec } from './parse-spec.js';

/** @throws TrikdError 'invalid' for a message that lacks a part, and for what does not belong to the run */
export function toAnchorAssignment(request: LoadAnchorRequest): AnchorAssignment {
  const tracing = toTracing(request.tracing);
  const assignment = {
    start: toPosition(request.start),
    term: toTerm(request.term),
    exchangeSecret: toSecret(request.exchangeSecret),
    spec: parseSpec(request.spec),
    params: toBlob(request.params),
    ...(tracing && { tracing }),
  };
  assertAnchorAssignment(assignment);
  return assignment;
}

export function fromAnchorAssignment({
  start,
  term,
  exchangeSecret,
  spec,
  params,
  tracing,
}: AnchorAssignment): LoadAnchorRequest {
  return {
    start: fromPosition(start),
    term,
    exchangeSecret,
    spec: canonicalJson(spec),
    params: fromBlob(params),
    tracing: fromTracing(tracing),
  };
}
