import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import {
  type ChannelCredentials,
  type ChannelOptions,
  type Client,
  credentials,
  experimental,
  InterceptingCall,
  type Interceptor,
  type VerifyOptions,
} from '@grpc/grpc-js';
import { toStatus } from '@trikd/protocol/status';
import { callerOfCertificate, trustDomainOf } from '../access/caller.js';
import { controlChannel } from './channel.js';

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
    ? credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null, serverCheck(target))
    : credentials.createInsecure();
  const options = { ...controlChannel(), ...(tls && nameFor(target)) };
  return new client(target, proof, { ...options, interceptors: token ? [sendToken(token)] : [] });
}

function hostOf(target: string): string {
  return experimental.splitHostPort(target)?.host ?? target;
}

/** TLS has no name for an IP address. The certificate is checked for the address in any case. */
function nameFor(target: string): ChannelOptions {
  return isIP(hostOf(target)) === 0 ? {} : { 'grpc.ssl_target_name_override': 'orchestrator' };
}

/** Certificates of all services can be valid for one machine: one that names a service must name the orchestrator. */
function serverCheck(target: string): VerifyOptions {
  const host = hostOf(target);
  return {
    checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate) ?? impostor(host, certificate),
  };
}

function impostor(host: string, { raw, subjectaltname = '' }: PeerCertificate): Error | undefined {
  if (!subjectaltname.includes('URI:spiffe://')) return undefined;
  try {
    const caller = callerOfCertificate(raw, trustDomainOf(raw));
    if (caller.kind === 'service' && caller.role === 'orchestrator') return undefined;
    return new Error(`the server at ${host} is no orchestrator: its certificate names another role`);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/**
 * Sends a bearer token with every call. The token is determined for each call, so that one that expires can be replaced; a failure to do so
 * is the status of the call.
 */
export function sendToken(token: () => Promise<string | undefined>): Interceptor {
  return (options, nextCall) => {
    let cancelled = false;
    const call = nextCall(options);
    return new InterceptingCall(call, {
      start: (metadata, listener, next) => {
        token().then(
          (text) => {
            if (cancelled) return;
            if (text !== undefined) metadata.set('authorization', `Bearer ${text}`);
            next(metadata, listener);
          },
          (error: unknown) => {
            listener.onReceiveStatus(toStatus(error));
          },
        );
      },
      cancel: (next) => {
        cancelled = true;
        next();
      },
    });
  };
}
