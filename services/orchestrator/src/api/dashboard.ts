import { fileURLToPath } from 'node:url';
import { TrikdError } from '@trikd/core/domain/errors';
import { isLoopback } from '@trikd/process/address';
import type { Dashboard, DashboardOptions } from '@trikd/transport/http/serve-dashboard';
import { serveDashboard } from '@trikd/transport/http/serve-dashboard';
import type { OrchestratorConfig } from '../config.js';

/** Where `make build` leaves the page. */
const PAGE = fileURLToPath(new URL('../../../dashboard/dist', import.meta.url));

/** Serves the dashboard of the service that listens at an address, unless the configuration wants none. */
export function dashboardFor(
  { http, plaintext }: Pick<OrchestratorConfig, 'http' | 'plaintext'>,
  options: Pick<DashboardOptions, 'security' | 'tokens' | 'audit' | 'onRefused' | 'log'>,
): ((address: string) => Promise<Dashboard>) | undefined {
  const { listen, hosts, limits, inference, page = PAGE } = http;
  if (listen === '') return undefined;
  return async (address) => {
    if (plaintext !== 'anywhere' && !isLoopback(listen)) {
      const advice = 'put a proxy with TLS on this machine in front of it, or set plaintext: anywhere';
      throw new TrikdError('invalid', `the dashboard cannot listen on ${listen}, it speaks plain text: ${advice}`);
    }
    return await serveDashboard({
      ...{ listen, hosts, limits, page, service: dialled(address), ...options },
      ...(inference !== undefined && { inference }),
    });
  };
}

/** One can listen on all addresses, but call only one. */
function dialled(address: string): string {
  return address.replace(/^(0\.0\.0\.0|\[::\]):/, 'localhost:');
}
