import { TrikdError } from '@trikd/core/domain/errors';
import type { OpenEndpoint } from '@trikd/core/remote/ask-model';
import { allowedEndpoint, type EndpointAccess } from '@trikd/core/spec/endpoint-access';
import { isLoopback } from '@trikd/process/address';
import type { SecurityConfig } from '../access/tls-config.js';
import type { EndpointConfig } from './endpoint-settings.js';
import { openInferenceServer } from './inference-server.js';

interface Endpoints extends Pick<SecurityConfig, 'plaintext'> {
  readonly endpoints: Readonly<Record<string, EndpointConfig>>;
}

/**
 * Opens clients of the endpoints that a service asks. What an operator has registered is called as the configuration says; an address in
 * a spec gets no token, and is called in plain text only where the service may speak plain text.
 */
export function openEndpointWith({ endpoints, plaintext }: Endpoints, access: EndpointAccess): OpenEndpoint {
  return (endpoint, answerBytes) => {
    const found = allowedEndpoint(endpoint, access);
    if (found.kind === 'registered') return openInferenceServer(endpoints[found.name]!, answerBytes);
    const { address, tls } = found;
    if (!tls && plaintext !== 'anywhere' && !isLoopback(address)) {
      const advice = `take https://${address}, or register it in endpoints of the anchor-server`;
      throw new TrikdError('invalid', `images would be sent to ${address} in plain text: ${advice}`);
    }
    return openInferenceServer({ address, ...(tls && { tls: {} }) }, answerBytes);
  };
}
