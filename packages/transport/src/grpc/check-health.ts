import { Client, Metadata } from '@grpc/grpc-js';
import { TrikdError } from '@trikd/core/domain/errors';
import { fromStatus } from '@trikd/protocol/status';
import { service } from 'grpc-health-check';
import { controlChannel, createClient, type Peer } from './channel.js';
import { openUserClient, type UserConnection } from './open-user-client.js';
/** The health of a service. */
export interface Health {
  readonly serving: boolean;
  /** Its clock minus ours in milliseconds, to the second, as in HTTP dates. Absent if the response has no date. */
  readonly clockOffset?: number;
  /** Milliseconds from request to response. */
  readonly roundTrip: number;
}

/**
 * Calls `grpc.health.v1`.
 * @param via the connection of a person, or the service that is expected there; default: any service, within this machine
 * @param name of what is asked for; default: the whole process
 * @throws TrikdError 'unavailable' if there is no response in time, 'not-found' if the name is not known
 */
export async function checkHealth(
  address: string,
  seconds: number,
  via?: UserConnection | Peer,
  name = '',
): Promise<Health> {
  const check = service['Check'];
  if (!check) throw new TrikdError('invalid', 'the health service has no method Check');
  const isUser = via !== undefined && 'target' in via;
  const client = isUser ? openUserClient(Client, via) : createClient(Client, address, controlChannel(), via);
  const sentAt = Date.now();
  let date: string | undefined;
  try {
    const response = await new Promise<object>((resolve, reject) => {
      client
        .makeUnaryRequest(
          check.path,
          check.requestSerialize,
          check.responseDeserialize,
          { service: name },
          new Metadata(),
          { deadline: sentAt + 1000 * seconds },
          (error, value) => (error ? reject(fromStatus(error, address)) : resolve(value ?? {})),
        )
        .on('metadata', (metadata) => {
          date = metadata.get('date')[0]?.toString();
        });
    });
    const roundTrip = Date.now() - sentAt;
    const serving = 'status' in response && response.status === 'SERVING';
    const offset = date === undefined ? undefined : offsetOf(Date.parse(date), sentAt, roundTrip);
    return { serving, roundTrip, ...(offset !== undefined && { clockOffset: offset }) };
  } finally {
    client.close();
  }
}

/** An HTTP date has no fraction of a second, so a time within its second counts as no offset. */
function offsetOf(second: number, sentAt: number, roundTrip: number): number | undefined {
  if (!Number.isFinite(second)) return undefined;
  if (second > sentAt + roundTrip) return second - sentAt - roundTrip;
  return Math.min(0, second + 1000 - sentAt);
}
