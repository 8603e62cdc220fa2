import { type Metadata, ServerInterceptingCall, type ServerInterceptor, ServerListenerBuilder } from '@grpc/grpc-js';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Logger } from '@trikd/process/logging';
import { toStatus } from '@trikd/protocol/status';
import { type Caller, setCaller } from '../access/caller.js';
import type { Identify } from '../access/identify.js';
import type { LoginFacts } from '../access/oidc-config.js';
import { assertAllowed } from '../access/policy.js';

/** Refuses a call before its handler sees it, unless the policy opens its method to the caller. */
export function guardCalls(identify: Identify, log: Logger, login?: LoginFacts): ServerInterceptor {
  return ({ path }, next) => {
    const refuse = (error: unknown) => {
      if (!(error instanceof TrikdError)) log.error({ err: error }, 'the caller could not be determined');
      next.sendStatus(toStatus(withLogin(error, login)));
    };
    const admit = (metadata: Metadata, caller: Caller | undefined): boolean => {
      try {
        // Before the check: the audit log says who was refused.
        if (caller) setCaller(metadata, caller);
        assertAllowed(path, caller);
        return true;
      } catch (error) {
        refuse(error);
        return false;
      }
    };
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, proceed) => {
        const answer = attempt(() => identify(next.getAuthContext().sslPeerCertificate?.raw, metadata));
        if (answer instanceof Promise) {
          answer.then((caller) => admit(metadata, caller) && proceed(metadata), refuse).catch(refuse);
        } else if (admit(metadata, answer)) proceed(metadata);
      })
      .build();
    return new ServerInterceptingCall(next, { start: (begin) => begin(listener) });
  };
}

function withLogin(error: unknown, login: LoginFacts | undefined): unknown {
  if (!login || !(error instanceof TrikdError) || error.kind !== 'unauthenticated') return error;
  const { issuer, clientId } = login;
  return new TrikdError('unauthenticated', error.message, { issuer, client_id: clientId });
}

function attempt<T>(work: () => T | Promise<T>): T | Promise<T> {
  try {
    return work();
  } catch (error) {
    return Promise.reject(error);
  }
}
