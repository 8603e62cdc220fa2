import type { Clock } from '@trikd/core/async/clock';
import type { Logger } from '@trikd/process/logging';
import type { Security } from '@trikd/transport/access/security';
import type { FixedPorts } from './fixed.js';
import { fixedPlacement } from './fixed.js';
import { openJobSetPlacement } from './jobset/open.js';
import type { Placement, TrioAddresses, TrioStates } from './placement.js';
import type { PlacementConfig } from './placement-config.js';
import { grpcProbe } from './trio-health.js';

export interface OpenPlacementPorts {
  readonly times: FixedPorts['times'] & { readonly answer: number };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly security: Security;
  /** Aborts when trios are not followed any more. */
  readonly stopped: AbortSignal;
}

/**
 * The trio in the process of the orchestrator. It has the name of the only trio of a configuration, so that a run continues on either.
 */
export const LOCAL_TRIO: TrioAddresses = {
  name: 'trio-1',
  teacher: 'in-process',
  student: 'in-process',
  anchor: 'in-process',
};

/** The placement of a configuration. @throws TrikdError `invalid` for a configuration that cannot be used */
export function openPlacement(
  config: PlacementConfig,
  ports: OpenPlacementPorts,
): Placement & { states(): TrioStates } {
  if (config.kind === 'jobset') return openJobSetPlacement(config, ports);
  const { clock, times, security, stopped } = ports;
  const common = { clock, times, stopped };
  if (config.kind === 'in-process') {
    return fixedPlacement({ ...common, trios: [LOCAL_TRIO], probe: async () => 'serving' });
  }
  return fixedPlacement({ ...common, trios: config.trios, probe: grpcProbe(times.answer, security) });
}
