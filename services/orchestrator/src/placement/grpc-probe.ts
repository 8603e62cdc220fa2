import { TrikdError } from '@trikd/core/domain/errors';
import { messageOf } from '@trikd/core/domain/message-of';
import { serviceOf } from '@trikd/transport/access/caller';
import type { Security } from '@trikd/transport/access/security';
import { checkHealth } from '@trikd/transport/grpc/check-health';
import type { Probe } from './trio-health.js';

/** Asks `grpc.health.v1`, each time over a new connection: one that was lost would be tried again too late. @param seconds for an answer */
export function grpcProbe(seconds: number, security: Security): Probe {
  return async (address, role) => {
    try {
      const { serving } = await checkHealth(address, seconds, { security, role: serviceOf(role) });
      return serving ? 'serving' : 'not-serving';
    } catch (error) {
      // Any answer shows that the service is there; what is wrong with it, its run finds out.
      if (error instanceof TrikdError && error.kind !== 'unavailable') return 'serving';
      const message = messageOf(error);
      // grpc-js names the remote address when it has a connection.
      return /deadline exceeded.*remote_addr=/i.test(message) ? 'silent' : { unreachable: message };
    }
  };
}
