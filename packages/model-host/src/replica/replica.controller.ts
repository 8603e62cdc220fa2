import type { ServerDuplexStream } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcStreamCall } from '@nestjs/microservices';
import { TrikdError } from '@trikd/core/domain/errors';
import type { TrainedRole } from '@trikd/core/domain/position';
import { bytesOf } from '@trikd/protocol/convert-tensors';
import type { TrainReplicaRequest, TrainReplicaResponse } from '@trikd/protocol/gen/node/trikd/v1/replica';
import { type Caller, callerOf, serviceOf } from '@trikd/transport/access/caller';
import { raiseReceiveWindow } from '@trikd/transport/grpc/channel';
import { serveDuplex } from '@trikd/transport/grpc/serve-stream';
import { REPLICAS, SHUTDOWN } from '../tokens.js';
import type { ReplicaHost } from './replica-host.js';

/** Translates between ReplicaService messages and replicas. */
@Controller()
export class ReplicaController {
  constructor(
    @Inject(REPLICAS) private readonly replicas: ReplicaHost,
    @Inject(SHUTDOWN) private readonly shutdown: AbortSignal,
  ) {}

  @GrpcStreamCall('ReplicaService', 'trainReplica')
  async trainReplica(call: ServerDuplexStream<TrainReplicaRequest, TrainReplicaResponse>): Promise<void> {
    const stream = this.replicas.begin();
    const answer = async (request: TrainReplicaRequest) => {
      const opens = request.request?.$case === 'open';
      if (opens) assertOwnRole(callerOf(call.metadata), this.replicas.role);
      const data = bytesOf(await stream.answer(request));
      // The sums that follow are large, and one end sends at a time.
      if (opens) raiseReceiveWindow(call);
      return { data };
    };
    try {
      await serveDuplex(call, { answer, window: 1, shutdown: this.shutdown });
    } finally {
      await stream.close();
    }
  }
}

/** The replicas of a learner are trainers of one role. */
function assertOwnRole(caller: Caller, role: TrainedRole): void {
  if (caller.kind === 'anonymous' || (caller.kind === 'service' && caller.role === serviceOf(role))) return;
  throw new TrikdError('forbidden', `only the ${serviceOf(role)} may train replicas of the ${role}`);
}
