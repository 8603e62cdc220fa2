import { type Metadata, ServerInterceptingCall, type ServerInterceptor, ServerListenerBuilder } from '@grpc/grpc-js';
import { TrikdError } from '@trikd/core/domain/errors';
import { type GrpcFailure, toStatus } from '@trikd/protocol/status';
import { callerOf } from '../access/caller.js';
import type { Admission, CallGuard } from '../limits/call-guard.js';
import { addressOfPeer } from '../limits/client-address.js';
import type { ConnectionGuard } from '../limits/connection-guard.js';

/** What counts the connections and the calls of a server. */
export interface Guards {
  readonly connections: ConnectionGuard;
  readonly calls: CallGuard;
}

/** Refusals that are remembered, at most. */
const MOST_REFUSALS = 256;

/** Refuses calls beyond the limits with RESOURCE_EXHAUSTED, before their handlers see them. */
export function limitCalls({ connections, calls }: Guards, onRefused?: (limit: string) => void): ServerInterceptor {
  const refusalOf = rememberedRefusals();
  return ({ path, responseStream }, next) => {
    const peer = next.getPeer();
    let end: (() => void) | undefined;
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, forward) => {
        const call = { caller: callerName(metadata, peer), method: path.slice(1), streams: responseStream };
        const admission = calls.begin(call);
        if (admission.kind === 'refused') {
          onRefused?.(admission.limit);
          return next.sendStatus(refusalOf(admission));
        }
        const rest = connections.begin(peer);
        end = () => {
          end = undefined;
          admission.end();
          rest();
        };
        forward(metadata);
      })
      .withOnCancel(() => end?.())
      .build();
    return new ServerInterceptingCall(next, {
      start: (begin) => begin(listener),
      sendStatus: (answer, send) => {
        end?.();
        send(answer);
      },
    });
  };
}

type Refused = Extract<Admission, { readonly kind: 'refused' }>;

/** An attack gets the same few refusals thousands of times a second: the error and its details are made once for each. */
function rememberedRefusals(): (refused: Refused) => GrpcFailure {
  const made = new Map<string, GrpcFailure>();
  return ({ reason, retryAfterMs }) => {
    const known = made.get(reason);
    if (known) return known;
    if (made.size >= MOST_REFUSALS) made.clear();
    const refusal = toStatus(new TrikdError('exhausted', reason, retryAfterMs === undefined ? {} : { retryAfterMs }));
    made.set(reason, refusal);
    return refusal;
  };
}

/** Who is counted: the identity that the client has proved, or its address. */
function callerName(metadata: Metadata, peer: string): string {
  const caller = callerOf(metadata);
  switch (caller.kind) {
    case 'user':
      return caller.subject;
    case 'service':
      return caller.id;
    case 'anonymous':
      return addressOfPeer(peer);
  }
}
