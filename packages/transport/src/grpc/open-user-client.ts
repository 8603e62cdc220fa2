import {
  type ChannelCredentials,
  type ChannelOptions,
  type Client,
  credentials,
  type Interceptor,
} from '@grpc/grpc-js';
import { controlChannel } from './channel-options.js';
import { sendToken } from './send-token.js';

/** How a person, or a program outside of the services, calls RunService. */
export interface UserConnection {
  /** host:port or unix:path. */
  readonly target: string;
  /** PEM. Absent: plain text. Without `ca`, the authorities that Node.js trusts. */
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
  /** The token of each call, if there is one. Must not be given for plain text that leaves this machine. */
  readonly token?: () => Promise<string | undefined>;
}

type UserClient<C extends Client> = new (
  address: string,
  credentials: ChannelCredentials,
  options: ChannelOptions & { readonly interceptors: Interceptor[] },
) => C;

/** A client of a person. The caller closes it. */
export function openUserClient<C extends Client>(client: UserClient<C>, { target, tls, token }: UserConnection): C {
  const proof = tls
    ? credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null)
    : credentials.createInsecure();
  return new client(target, proof, { ...controlChannel(), interceptors: token ? [sendToken(token)] : [] });
}
