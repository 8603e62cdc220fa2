import { Client, Metadata } from '@grpc/grpc-js';
import { TrikdError } from '@trikd/core/domain/errors';
import { fromStatus } from '@trikd/protocol/status';
import { service } from 'grpc-health-check';
import { controlChannel } from './channel-options.js';
import { createClient } from './create-client.js';

/** What a service says of itself. */
export interface Health {
  readonly serving: boolean;
  /** What its clock shows against ours, in milliseconds; to the second, as HTTP dates are. Absent when it does not say. */
  readonly clockOffset?: number;
  /** How long it took to answer, in milliseconds. */
  readonly roundTrip: number;
}

/** Asks `grpc.health.v1`. @throws TrikdError 'unavailable' when nobody answers in time */
export async function checkHealth(address: string, seconds: number): Promise<Health> {
  const check = service['Check'];
  if (!check) throw new TrikdError('invalid', 'the health service has no method Check');
  const client = createClient(Client, address, controlChannel());
  const begun = Date.now();
  let date: string | undefined;
  try {
    const response = await new Promise<object>((resolve, reject) => {
      client
        .makeUnaryRequest(
          check.path,
          check.requestSerialize,
          check.responseDeserialize,
          { service: '' },
          new Metadata(),
          { deadline: begun + 1000 * seconds },
          (error, value) => (error ? reject(fromStatus(error, address)) : resolve(value ?? {})),
        )
        .on('metadata', (metadata) => {
          date = metadata.get('date')[0]?.toString();
        });
    });
    const roundTrip = Date.now() - begun;
    const serving = 'status' in response && response.status === 'SERVING';
    const offset = date === undefined ? undefined : offsetOf(Date.parse(date), begun, roundTrip);
    return { serving, roundTrip, ...(offset !== undefined && { clockOffset: offset }) };
  } finally {
    client.close();
  }
}

/** A date without its fraction stands for any time of its second: what one clock shows within that second is no offset. */
function offsetOf(second: number, begun: number, roundTrip: number): number | undefined {
  if (!Number.isFinite(second)) return undefined;
  if (second > begun + roundTrip) return second - begun - roundTrip;
  return Math.min(0, second + 1000 - begun);
}
