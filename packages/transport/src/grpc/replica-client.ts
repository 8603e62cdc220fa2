import { TrikdError } from '@trikd/core/domain/errors';
import type { TrainedRole } from '@trikd/core/domain/position';
import { ReplicaServiceClient, type TrainReplicaRequest } from '@trikd/protocol/gen/node/trikd/v1/replica';
import { fromStatus } from '@trikd/protocol/status';
import { serviceOf } from '../access/caller.js';
import type { Security } from '../access/security.js';
import { createClient, replicaChannel } from './channel.js';

/** A stream of requests to a replica. */
export interface ReplicaStream {
  /**
   * @returns the data of the response
   * @throws TrikdError of the kind that the replica threw, 'unavailable' when it is lost
   */
  ask(request: NonNullable<TrainReplicaRequest['request']>): Promise<Buffer>;
  /** Ends the replica. May be called again. */
  close(): void;
}

export interface ReplicaStreamOptions {
  readonly role: TrainedRole;
  readonly security: Security;
  /** Names the replica in messages. */
  readonly what: string;
  /** Numbers of a response, at most. */
  readonly responseNumbers: number;
  /** Default: 10, for a process that is being started again. */
  readonly connectSeconds?: number;
}

/** Connects to a process that trains replicas. @throws TrikdError 'unavailable' when it cannot be reached */
export async function openReplicaStream(
  address: string,
  { role, security, what, responseNumbers, connectSeconds = 10 }: ReplicaStreamOptions,
): Promise<ReplicaStream> {
  const peer = { role: serviceOf(role), security };
  const client = createClient(ReplicaServiceClient, address, replicaChannel(responseNumbers), peer);
  try {
    await connected(client, what, connectSeconds);
  } catch (error) {
    client.close();
    throw error;
  }
  const call = client.trainReplica();
  const waiting: PromiseWithResolvers<Buffer>[] = [];
  let failure: Error | undefined;
  const fail = (error: Error) => {
    failure ??= error;
    for (const each of waiting.splice(0)) each.reject(failure);
  };
  call.on('data', ({ data }) => waiting.shift()?.resolve(data));
  call.on('error', (error) => fail(fromStatus(error, what)));
  call.on('end', () => fail(new TrikdError('unavailable', `${what} has ended its stream`)));
  return {
    ask(request) {
      if (failure) return Promise.reject(failure);
      const answer = Promise.withResolvers<Buffer>();
      waiting.push(answer);
      call.write({ request });
      return answer.promise;
    },
    close() {
      fail(new TrikdError('wrong-state', `the stream to ${what} is closed`));
      call.cancel();
      client.close();
    },
  };
}

function connected(client: ReplicaServiceClient, what: string, seconds: number): Promise<void> {
  return new Promise((resolve, reject) => {
    client.waitForReady(Date.now() + 1000 * seconds, (error) => {
      if (!error) return resolve();
      reject(new TrikdError('unavailable', `${what} did not answer for ${seconds} s`, {}, { cause: error }));
    });
  });
}
