import { makeBatch } from '@trikd/core/data/batch';
import type { Dataset } from '@trikd/core/data/split';
import { TrikdError } from '@trikd/core/domain/errors';
import { openAsking } from '@trikd/core/remote/ask-model';
import { keptAnswers, MOST_ANSWER_BYTES } from '@trikd/core/remote/kept-answers';
import { remoteFrozen, rightRows } from '@trikd/core/remote/remote-frozen';
import type { RemoteFrozen } from '@trikd/core/stages/stage';
import type { FrozenAssignment } from '@trikd/core/training/assignment';
import { type AnsweringModel, normalisedFor } from '@trikd/core/training/frozen';
import type { Logger } from '@trikd/process/logging';
import { retryingStore } from '@trikd/store/retrying-store';
import type { AnchorParts } from './anchor-parts.js';

export interface RemoteContext {
  readonly assignment: FrozenAssignment;
  readonly dataset: Dataset;
  readonly totalSteps: number;
  readonly log: Logger;
  /** Receives each request with its duration in milliseconds. */
  readonly called: (step: number, ms: number) => void;
}

/**
 * Opens a model that another server computes, once its metadata fit. It is asked for the batches of the stage ahead of the trainers, and
 * the run keeps its answers.
 * @param signal ends all requests
 * @throws TrikdError 'invalid' for a model or a preprocessing that does not fit, 'not-found' for one that is not there, 'forbidden' for an endpoint that
 * this service does not ask, 'unavailable' for a server that cannot be reached in time
 */
export async function openRemote(
  { store, openEndpoint, clock, random, telemetry }: AnchorParts,
  frozen: RemoteFrozen,
  { assignment: { spec, start }, dataset, totalSteps, log, called }: RemoteContext,
  signal: AbortSignal,
): Promise<AnsweringModel> {
  const { name, from: model } = frozen;
  const { runId, stage } = start;
  const { batchSize } = spec;
  const { classes } = dataset;
  const answerBytes = assertKeepable(name, 4 * batchSize * classes);
  if (!openEndpoint) throw new TrikdError('forbidden', 'this service asks no models of other servers');
  const server = openEndpoint(model.endpoint, answerBytes);
  const by = { 'trikd.part': name };
  try {
    const ask = await openAsking(model, { ...shapeOf(dataset), batchSize }, normalisedFor(dataset, frozen), {
      ...{ server, clock, random, signal, patienceSeconds: spec.exchange.stepTimeout },
      trouble: (reason) => {
        if (reason === undefined) log.info({ endpoint: model.endpoint }, 'the endpoint answers again');
        else log.warn({ endpoint: model.endpoint, reason }, 'waiting for the endpoint');
      },
      called: (step, started, ended, outcome) => {
        telemetry?.record('trikd.remote.requests', 1, { ...by, 'trikd.outcome': outcome });
        telemetry?.record('trikd.remote.duration', (ended - started) / 1000, by);
        if (outcome === 'answered') called(step, ended - started);
      },
    });
    const kept = retryingStore(store, {
      ...{ clock, random, signal },
      onOutage: (reason) => {
        if (reason !== undefined) log.warn({ reason }, 'waiting for the store');
      },
    });
    let isFirst = true;
    const answers = keptAnswers({
      ...{ store: kept, runId, stage, participant: name, rows: batchSize, classes, totalSteps },
      batchOf: (step) => makeBatch(dataset, spec, stage, step),
      ask: async (batch) => {
        const logits = await ask(batch);
        if (isFirst) reportFirst(log, rightRows(logits, batch.labels), { rows: batchSize, classes });
        isFirst = false;
        return logits;
      },
      found: (steps) => telemetry?.record('trikd.remote.kept', steps, by),
    });
    return remoteFrozen(spec, dataset, start, answers, server.close);
  } catch (error) {
    server.close();
    throw error;
  }
}

function shapeOf({ height, width, channels, classes }: Dataset) {
  return { height, width, channels, classes };
}

/** @throws TrikdError 'invalid' for answers that are too large to be kept */
function assertKeepable(name: string, bytes: number): number {
  if (bytes <= MOST_ANSWER_BYTES) return bytes;
  const most = `the limit for an answer that is kept is ${MOST_ANSWER_BYTES}`;
  throw new TrikdError('invalid', `an answer of the ${name} has ${bytes} bytes, ${most}: make batchSize smaller`);
}

/** A model of other classes, or of classes in another order, answers in the right shape: only its mistakes show it. */
function reportFirst(
  log: Logger,
  right: number,
  { rows, classes }: { readonly rows: number; readonly classes: number },
): void {
  const doubt = 'is no better than chance: are its classes those of the data, and its pixels as it expects them?';
  if (right > rows / classes) log.info({ rows, right }, 'the first answer of the remote model');
  else log.warn({ rows, right }, `the first answer of the remote model ${doubt}`);
}
