import { RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import { openClient, type UnaryOptions } from '@trikd/transport/grpc/clients';

/** Which orchestrator a command asks, and for how long. */
export interface ServerChoice {
  /** host:port. */
  readonly server: string;
  /** Seconds. */
  readonly timeout: number;
}

/** A connection to an orchestrator, for one command. */
export interface Asking {
  readonly client: RunServiceClient;
  /** For `unary`. */
  readonly how: UnaryOptions & { readonly signal: AbortSignal };
}

/** Asks an orchestrator; the connection is closed afterwards. @throws TrikdError of the kind that it answered with */
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
