import type { ClientReadableStream } from '@grpc/grpc-js';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Role, TrainedRole } from '@trikd/core/domain/role';
import { startStepOf } from '@trikd/core/training/assignment';
import { faultPoint } from '@trikd/process/fault-points';
import { fromPosition, toSha256 } from '@trikd/protocol/convert';
import { fromFrozenAssignment, toFileDigests, toFrozenScores } from '@trikd/protocol/convert-anchor';
import { toNumerics } from '@trikd/protocol/convert-numerics';
import { toRoleStep, toUsage } from '@trikd/protocol/convert-timing';
import { fromAssignment } from '@trikd/protocol/convert-trainer';
import { AnchorServiceClient } from '@trikd/protocol/gen/node/trikd/v1/anchor';
import { TimingServiceClient } from '@trikd/protocol/gen/node/trikd/v1/timing';
import { TrainerServiceClient } from '@trikd/protocol/gen/node/trikd/v1/trainer';
import { fromStatus } from '@trikd/protocol/status';
import { serviceOf } from '@trikd/transport/access/caller';
import type { Security } from '@trikd/transport/access/security';
import { openClient, unary, watch } from '@trikd/transport/grpc/clients';
import { decodedEvents } from './decoded-events.js';
import type { AnchorLink, StepLink, TrainerLink } from './ports.js';

/** A link and the connection beneath it. */
export type Closable<T> = T & { readonly close: () => void };

/** Seconds. */
export interface LinkTimes {
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
export function anchorLink(address: string, times: LinkTimes, security: Security): Closable<AnchorLink> {
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
export function stepLink(role: Role, address: string, security: Security): Closable<StepLink> {
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
