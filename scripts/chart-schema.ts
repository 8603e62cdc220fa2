/**
 * Writes the JSON schema of the values of the Helm chart.
 *
 * usage: node scripts/chart-schema.ts > deploy/helm/trikd/values.schema.json      (after a build)
 */
import { z } from 'zod';
import { ChartValues, MISPLACED } from './chart-values.ts';

/** Draft 7 is what all versions of Helm read. */
const { properties, ...schema } = z.toJSONSchema(ChartValues, { io: 'input', target: 'draft-7' });
// An orchestrator without people needs none: its schema wants at least one where the list is given.
const oidc = properties?.['oidc'];
const issuers = typeof oidc === 'object' ? oidc.properties?.['issuers'] : undefined;
if (typeof issuers === 'object') delete issuers.minItems;
// They pass here, so that a template can say what to set instead.
const misplaced = Object.fromEntries(MISPLACED.map((name) => [name, true]));

console.log(
  JSON.stringify(
    // Helm adds values of parent charts under this name.
    {
      ...schema,
      title: 'Values of the chart trikd',
      properties: { ...properties, ...misplaced, global: { type: 'object' } },
    },
    undefined,
    2,
  ),
);
