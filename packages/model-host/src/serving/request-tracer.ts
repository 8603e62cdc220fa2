import { messageOf } from '@trikd/core/domain/message-of';
import type { InferenceAnswer, InferenceRequest } from '@trikd/core/serving/inference';
import { wallTime } from '@trikd/process/wall-time';
import { requestSampler } from '@trikd/telemetry/request-sampler';
import type { ComputedBatch } from '@trikd/telemetry/request-trace';
import type { ServingParts } from './serving-parts.js';

/** Characters of a name that no model may have, at most. */
const LONGEST_NAME = 64;

/** A request that is traced, until it ends. */
export interface OpenTrace {
  answered(answer: InferenceAnswer, batches: readonly ComputedBatch[]): void;
  /** @param type kind of the error */
  failed(type: string, error: unknown): void;
}

/** Begins the traces of requests. @returns undefined for a request that is not traced */
export function requestTracer({
  telemetry,
  clock,
  everyRequests = 0,
}: Pick<ServingParts, 'telemetry' | 'clock' | 'everyRequests'>): (request: InferenceRequest) => OpenTrace | undefined {
  const sample = requestSampler(everyRequests);
  const now = wallTime(clock);
  return ({ model, traceparent }) => {
    const sampled = sample(traceparent);
    if (!sampled) return undefined;
    const begun = { ...sampled, model: model.slice(0, LONGEST_NAME), started: now() };
    return {
      answered: ({ version, rows }, batches) =>
        telemetry.request({ ...begun, ended: now(), computed: { version, rows, batches } }),
      failed: (type, error) =>
        telemetry.request({ ...begun, ended: now(), error: { type, message: messageOf(error) } }),
    };
  };
}
