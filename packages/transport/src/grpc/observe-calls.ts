import { ServerInterceptingCall, type ServerInterceptor, ServerListenerBuilder, status } from '@grpc/grpc-js';

/** A call that a server has answered, or that its client has given up. */
export interface EndedCall {
  /** Such as trikd.v1.TrainerService/Assign. */
  readonly method: string;
  /** Address of the client. */
  readonly peer: string;
  /** Name of the status, such as NOT_FOUND. */
  readonly code: string;
  /** Milliseconds. */
  readonly duration: number;
}

export type CallListener = (call: EndedCall) => void;

/**
 * Reports each call once, when it ends.
 *
 * grpc-js reports some ends as a cancellation only: a deadline that has passed is recognised by the clock, and a message that is
 * too large counts as CANCELLED.
 */
export function observeCalls(onCall: CallListener): ServerInterceptor {
  return ({ path }, next) => {
    const started = performance.now();
    let ended = false;
    const end = (code: status) => {
      if (ended) return;
      ended = true;
      onCall({
        method: path.slice(1),
        peer: next.getPeer(),
        code: status[code],
        duration: performance.now() - started,
      });
    };
    const isLate = () => Number(next.getDeadline()) <= Date.now();
    const listener = new ServerListenerBuilder()
      .withOnCancel(() => end(isLate() ? status.DEADLINE_EXCEEDED : status.CANCELLED))
      .build();
    return new ServerInterceptingCall(next, {
      start: (begin) => begin(listener),
      sendStatus: (answer, send) => {
        end(answer.code ?? status.OK);
        send(answer);
      },
    });
  };
}
