/**
 * Writes the README of the Helm chart, with a table of its values from their schema and their defaults.
 *
 * usage: node scripts/chart-reference.ts > deploy/helm/trikd/README.md      (after a build)
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { ChartValues } from './chart-values.ts';
import { rowsOf, type Schema } from './setting-rows.ts';

const CHART = new URL('../deploy/helm/trikd/', import.meta.url);

/** Settings of services, which docs/configuration.md describes. */
const ELSEWHERE = ['orchestrator.config.', 'runs.config.', 'serving.config.', 'admission.', 'oidc.issuers'];

const schema = z.toJSONSchema(ChartValues, { io: 'input' }) as Schema;
const defaults: unknown = parse(readFileSync(new URL('values.yaml', CHART), 'utf8'));

/** A map of things with names of their own is described by one of them. */
function named(node: Schema, path: string, name: string): readonly string[] {
  const { properties } = node;
  const inner = path
    .split('.')
    .reduce<Schema | undefined>((each, part) => each?.properties?.[part], { properties: properties ?? {} });
  return rows(inner?.additionalProperties ?? {}, `${path}.${name}`);
}

function rows(node: Schema, at: string): readonly string[] {
  return rowsOf(node, at, true)
    .filter(({ path }) => !ELSEWHERE.some((section) => path.startsWith(section)) && !path.includes('[]'))
    .map(({ path, type, meaning }) => `| \`${path}\` | ${type} | ${defaultOf(path)} | ${meaning} |`);
}

function defaultOf(path: string): string {
  const value = path
    .split('.')
    .reduce<unknown>(
      (node, name) => (typeof node === 'object' && node !== null ? Reflect.get(node, name) : undefined),
      defaults,
    );
  const text = value === undefined || value === '' ? '' : `\`${JSON.stringify(value)}\``;
  return text.length > 120 ? 'see values.yaml' : text;
}

const heading = '| value | type | default | meaning |\n| --- | --- | --- | --- |';
const table = (lines: readonly string[]) => [heading, ...lines].join('\n');

console.log(`# The chart trikd

Written by \`make generate\` from the schema of the values; do not edit.

Installs orchestrators in the namespace of the release, and all that they need to train each run as a JobSet in a namespace of its own:
a role, templates of JobSets (classes), configurations, ServiceAccounts, network policies, and, behind switches, certificates, queues of
Kueue, alerts, a dashboard for Grafana, and ways in from outside. Nothing is looked up in a cluster and nothing is random, so that
\`helm template\` renders the same for GitOps.

Required: Kubernetes 1.34 or newer with [JobSet](https://jobset.sigs.k8s.io), an S3 server with conditional writes, and certificates.
Kueue, cert-manager and the Prometheus operator only for the values that name them.

\`\`\`sh
helm install trikd deploy/helm/trikd --namespace trikd --create-namespace --values my-values.yaml --wait
\`\`\`

The least that \`my-values.yaml\` has to say:

\`\`\`yaml
image: { repository: registry.example/trikd, tag: 0.1.0 }
tls: { certManager: { enabled: true, issuerRef: { name: my-ca } } }
store:
  endpoint: https://s3.example
  existingSecrets: { orchestrator: store-orchestrator, trainer: store-trainer, anchorServer: store-anchor-server }
\`\`\`

The Secrets of the orchestrator belong in the namespace of the release, before the installation; those of the trainers and of the
anchor-server in the namespace of the runs, after it, since the chart creates that. Runs wait for them, the installation does not. With
\`runs.createNamespace: false\` the namespace is yours. A namespace is for one release: the names of its ServiceAccounts are those of the
services, which certificates have in them.

[kubernetes.md](../../../docs/kubernetes.md) goes from an empty cluster to a promoted student.

## Values

\`null\` removes a default. \`orchestrator.config\`, \`runs.config\`, \`admission\` and \`oidc.issuers\` take settings of the services, which
[configuration.md](../../../docs/configuration.md) describes. A mistake ends with a sentence before anything is installed.

${table(rows(schema, ''))}

### A class

${table(named(schema, 'classes', 'CLASS'))}

### A dataset

${table(named(schema, 'datasets', 'NAME'))}

### An endpoint

${table(named(schema, 'endpoints', 'NAME'))}

### A weights file

${table(named(schema, 'weights', 'NAME'))}`);
