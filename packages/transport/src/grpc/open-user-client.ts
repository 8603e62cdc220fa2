import { checkServerIdentity as checkName, type PeerCertificate } from 'node:tls';
import {
  type ChannelCredentials,
  type ChannelOptions,
  type Client,
  credentials,
  type Interceptor,
} from '@grpc/grpc-js';
import { roleOfCertificate } from '../access/spiffe-id.js';
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
  const proof = tls ? tlsCredentials(tls) : credentials.createInsecure();
  return new client(target, proof, { ...controlChannel(), interceptors: token ? [sendToken(token)] : [] });
}

function tlsCredentials({ ca, cert, key }: NonNullable<UserConnection['tls']>): ChannelCredentials {
  const checkServerIdentity = (host: string, certificate: PeerCertificate): Error | undefined => {
    const role = roleOfCertificate(certificate.raw);
    if (role !== undefined && role !== 'orchestrator') return new Error(`the server at ${host} is the ${role}`);
    const refusal = checkName(host, certificate);
    // An authority that was named for this server also proves its role, which stays where addresses change.
    return role !== undefined && ca ? undefined : refusal;
  };
  return credentials.createSsl(ca ?? null, key ?? null, cert ?? null, { checkServerIdentity });
}
