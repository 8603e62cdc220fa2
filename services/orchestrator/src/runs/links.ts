import type { ClientReadableStream } from '@grpc/grpc-js';
import { isRunBlob } from '@trikd/core/checkpoint/blobs';
import { TrikdError } from '@trikd/core/domain/errors';
import { ROLES, type Role, type StageAttempt, type TrainedRole } from '@trikd/core/domain/position';
import { startStepOf } from '@trikd/core/training/assignment';
import type { TrainerEvent } from '@trikd/core/training/ports';
import { faultPoint } from '@trikd/process/fault-points';
import { fromPosition, toSha256 } from '@trikd/protocol/convert';
import { fromFrozenAssignment, toFileDigests, toFrozenScores } from '@trikd/protocol/convert-anchor';
import { toNumerics } from '@trikd/protocol/convert-participant';
import { toRoleStep, toUsage } from '@trikd/protocol/convert-timing';
import { fromAssignment, toTrainerEvent } from '@trikd/protocol/convert-trainer';
import { AnchorServiceClient } from '@trikd/protocol/gen/node/trikd/v1/anchor';
import { TimingServiceClient } from '@trikd/protocol/gen/node/trikd/v1/timing';
import { TrainerServiceClient } from '@trikd/protocol/gen/node/trikd/v1/trainer';
import { fromStatus } from '@trikd/protocol/status';
import { serviceOf } from '@trikd/transport/access/caller';
import type { Security } from '@trikd/transport/access/security';
import { openClient, unary, watch } from '@trikd/transport/grpc/clients';
import type { TrioAddresses } from '../placement/placement.js';
import type { AnchorLink, StepLink, TrainerLink, TrioLinks } from './ports.js';

/** A link and the connection beneath it. */
export type Closable<T> = T & { readonly close: () => void };

/** Seconds. */
interface LinkTimes {
  /** For calls that read data, trace graphs or score a model. */
  readonly prepare: number;
  /** For all other calls. */
  readonly answer: number;
  /** Without a connection, before an attempt is lost. */
  readonly patience: number;
}

/** One trainer over gRPC. */
export function trainerLink(
  role: TrainedRole,
  address: string,
  times: LinkTimes,
  security: Security,
): Closable<TrainerLink> {
  const client = openClient(TrainerServiceClient, address, { role: serviceOf(role), security });
  const what = `the ${role}`;
  return {
    role,
    address,
    close: () => client.close(),
    assign: async (assignment) => {
      const options = { what, deadlineSeconds: times.prepare };
      const at = () => ({ ...assignment.attempt, role, step: startStepOf(assignment) });
      faultPoint('assign.requesting', at);
      const { datasetDigest, classes, totalSteps, stepsPerEpoch, numerics, initialFile } = await unary(
        client.assign.bind(client),
        fromAssignment(assignment),
        options,
      );
      faultPoint('assign.acknowledged', at);
      const facts = { datasetDigest, classes, totalSteps, stepsPerEpoch, numerics: toNumerics(numerics) };
      return { ...facts, ...(initialFile !== '' && { initialFile: toSha256(initialFile) }) };
    },
    setLimit: async (attempt, limit) => {
      faultPoint('limit.requesting', () => ({ ...attempt, role, step: limit }));
      const request = { limit: fromPosition({ ...attempt, step: limit }) };
      await unary(client.setLimit.bind(client), request, { what, deadlineSeconds: times.answer });
    },
    saveAt: async (attempt, step) => {
      const request = { position: fromPosition({ ...attempt, step }) };
      await unary(client.saveAt.bind(client), request, { what, deadlineSeconds: times.answer });
    },
    nextStep: async () => {
      const { next } = await unary(client.getTrainer.bind(client), {}, { what, deadlineSeconds: times.answer });
      if (!next) throw new TrikdError('out-of-step', `${what} has no assignment any more`);
      return next.step;
    },
    past: (attempt) => {
      const request = { attempt: fromPosition({ ...attempt, step: 0 }), fromEvent: 0, pastOnly: true };
      const deadline = Date.now() + 1000 * times.answer;
      return decodedEvents(readAll(client.watchTrainer(request, { deadline }), what), attempt, role);
    },
    watch: (attempt, signal, connection) =>
      decodedEvents(
        watch({
          what,
          open: (fromEvent) =>
            client.watchTrainer({ attempt: fromPosition({ ...attempt, step: 0 }), fromEvent, pastOnly: false }),
          numberOf: ({ number }) => number,
          patienceSeconds: times.patience,
          signal,
          ...(connection && { connection }),
        }),
        attempt,
        role,
      ),
  };
}

/** A stream that ends by itself; one that is cut short is not resumed. @throws TrikdError */
async function* readAll<Response>(call: ClientReadableStream<Response>, what: string): AsyncGenerator<Response> {
  // An error that arrives after the loop was left has no other listener.
  call.on('error', () => undefined);
  try {
    yield* call;
  } catch (error) {
    throw fromStatus(error, what);
  } finally {
    call.cancel();
  }
}

/** The anchor-server over gRPC. */
function anchorLink(address: string, times: LinkTimes, security: Security): Closable<AnchorLink> {
  const client = openClient(AnchorServiceClient, address, { role: serviceOf('anchor'), security });
  return {
    address,
    close: () => client.close(),
    load: async (assignment) => {
      const request = fromFrozenAssignment(assignment);
      const options = { what: 'the anchor', deadlineSeconds: times.prepare };
      const at = () => ({ ...assignment.start, role: 'anchor' as const });
      faultPoint('anchor.requesting', at);
      const loaded = await unary(client.loadAnchor.bind(client), request, options);
      faultPoint('anchor.acknowledged', at);
      return {
        datasetDigest: loaded.datasetDigest,
        scores: toFrozenScores(loaded.scores),
        files: toFileDigests(loaded.files),
        numerics: toNumerics(loaded.numerics),
      };
    },
  };
}

/** Deadline for reading steps, in seconds: a model that is away is read at the next look. */
const STEPS_DEADLINE = 1;

/** The steps of one model over gRPC. */
function stepLink(role: Role, address: string, security: Security): Closable<StepLink> {
  const client = openClient(TimingServiceClient, address, { role: serviceOf(role), security });
  const options = { what: `the ${role}`, deadlineSeconds: STEPS_DEADLINE };
  return {
    role,
    close: () => client.close(),
    read: async (attempt, fromStep) => {
      const from = fromPosition({ ...attempt, step: fromStep });
      const { steps, usage } = await unary(client.readSteps.bind(client), { from }, options);
      return { steps: steps.map(toRoleStep), usage: usage && toUsage(usage) };
    },
    trace: async (attempt, steps) => {
      const request = { attempt: fromPosition({ ...attempt, step: 0 }), steps: [...steps] };
      await unary(client.traceSteps.bind(client), request, options);
    },
  };
}

/** The events of an attempt. @throws TrikdError that the trainer reported its failure with; Error for a failure of another kind */
export async function* decodedEvents(
  responses: AsyncIterable<Parameters<typeof toTrainerEvent>[0]>,
  { runId }: StageAttempt,
  role: TrainedRole,
): AsyncGenerator<TrainerEvent> {
  for await (const response of responses) {
    const event = toTrainerEvent(response);
    assertOwnCheckpoint(event, runId, role);
    if (event.kind !== 'failure') {
      yield event;
      continue;
    }
    const { kind, message } = event.failure;
    const sentence = message.startsWith(`the ${role} `) ? message : `the ${role}: ${message}`;
    throw kind === 'internal' ? new Error(sentence) : new TrikdError(kind, sentence);
  }
}

/**
 * Rejects the report of a checkpoint whose blobs are not of the run: a manifest would name what the run does not own, and its next
 * attempt, or its promotion, would read it.
 * @throws TrikdError 'out-of-step': another attempt may be of a trainer in order
 */
export function assertOwnCheckpoint(event: TrainerEvent, runId: string, role: TrainedRole): void {
  if (event.kind !== 'checkpoint') return;
  const { state, best } = event.checkpoint;
  const blobs = best ? [state, best.params] : [state];
  if (blobs.every((blob) => isRunBlob(blob, runId))) return;
  throw new TrikdError('out-of-step', `the ${role} reported a checkpoint with a blob that is not of run ${runId}`);
}

/** Connects to the services of a trio. */
export function trioLinks(trio: TrioAddresses, times: LinkTimes, security: Security): TrioLinks {
  const teacher = trainerLink('teacher', trio.teacher, times, security);
  const student = trainerLink('student', trio.student, times, security);
  const anchor = anchorLink(trio.anchor, times, security);
  const steps = ROLES.map((role) => stepLink(role, trio[role], security));
  return {
    trainers: { teacher, student },
    anchor,
    steps,
    close: () => {
      for (const link of [teacher, student, anchor, ...steps]) link.close();
    },
  };
}
