import { RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import { openClient, type UnaryOptions } from '@trikd/transport/grpc/clients';

/** The orchestrator that a command calls, and its time limit. */
export interface ServerChoice {
  /** host:port. */
  readonly server: string;
  /** Seconds. */
  readonly timeout: number;
}

/** A connection to an orchestrator, for one command. */
export interface Asking {
  readonly client: RunServiceClient;
  /** Options of `unary`. */
  readonly how: UnaryOptions & { readonly signal: AbortSignal };
}

/** Works with a connection to an orchestrator and closes it. @throws TrikdError of the kind that the orchestrator answered with */
export async function withServer<T>(
  { server, timeout }: ServerChoice,
  signal: AbortSignal,
  work: (asking: Asking) => Promise<T>,
): Promise<T> {
  const client = openClient(RunServiceClient, server);
  try {
    return await work({ client, how: { what: `the orchestrator at ${server}`, deadlineSeconds: timeout, signal } });
  } finally {
    client.close();
  }
}
