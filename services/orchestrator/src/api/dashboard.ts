import { fileURLToPath } from 'node:url';
import type { Logger } from '@trikd/process/logging';
import type { Security } from '@trikd/transport/access/security';
import { type Dashboard, serveDashboard } from '@trikd/transport/http/serve-dashboard';
import type { OrchestratorConfig } from '../config.js';

/** Where `make build` leaves the page. */
const PAGE = fileURLToPath(new URL('../../../dashboard/dist', import.meta.url));

/** Serves the dashboard of the service that listens at an address, unless the configuration wants none. */
export function dashboardFor(
  { listen, hosts, limits, page = PAGE }: OrchestratorConfig['http'],
  security: Security,
  log: Logger,
): ((address: string) => Promise<Dashboard>) | undefined {
  if (listen === '') return undefined;
  return (address) => serveDashboard({ listen, hosts, limits, page, service: dialled(address), security, log });
}

/** One can listen on all addresses, but call only one. */
function dialled(address: string): string {
  return address.replace(/^(0\.0\.0\.0|\[::\]):/, 'localhost:');
}
