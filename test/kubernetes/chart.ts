import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { goTool } from '@trikd/testing/servers/go-tool';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { OrchestratorConfig } from '../../services/orchestrator/src/config.js';
import { jobSetOf, type NewJobSet, parseTemplate } from '../../services/orchestrator/src/placement/jobset/template.js';

export const CHART = fileURLToPath(new URL('../../deploy/helm/trikd', import.meta.url));

/** The release, its namespace, and that of its runs in the sets of values that name none. */
export const RELEASE = 'trikd';
export const NAMESPACE = 'trikd';

/** Files of values in the chart, each a way to install it. */
export const SETS = globSync('*-values.yaml', { cwd: join(CHART, 'ci') })
  .map((file) => file.replace('-values.yaml', ''))
  .sort();

const Labels = z.record(z.string(), z.string());

/** An object of Kubernetes. */
const KubernetesObject = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string().optional(),
    namespace: z.string().optional(),
    labels: Labels.optional(),
    annotations: Labels.optional(),
  }),
});
export type KubernetesObject = z.infer<typeof KubernetesObject>;

export const Container = z.looseObject({
  name: z.string(),
  ports: z.array(z.object({ name: z.string(), containerPort: z.int() })).default([]),
});

/** A pod in a template. */
export const PodTemplate = z.object({
  metadata: z.object({ labels: Labels, annotations: Labels.optional() }),
  spec: z.looseObject({ serviceAccountName: z.string(), containers: z.array(Container).min(1) }),
});
export type PodTemplate = z.infer<typeof PodTemplate>;

/** What a program printed. @throws with what it complained of */
export function run(program: string, args: readonly string[], input?: string, env?: Record<string, string>): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, ...env },
    ...(input !== undefined && { input }),
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args[0]}: ${stdout}${stderr}`);
  return stdout;
}

/** The path of Helm, once it has been looked up. */
let program: string | undefined;

export function helm(...args: readonly string[]): string {
  program ??= goTool('helm');
  return run(program, args);
}

const rendered = new Map<string, string>();

/** What Helm would install. @param set a file of values. @param more such as --set and a value */
export function render(set: string, ...more: readonly string[]): string {
  const values = join(CHART, 'ci', `${set}-values.yaml`);
  const args = ['template', RELEASE, CHART, '--namespace', NAMESPACE, '--values', values, ...more];
  const text = rendered.get(args.join(' ')) ?? helm(...args);
  rendered.set(args.join(' '), text);
  return text;
}

/** The objects in a text. */
export function objectsIn(text: string): readonly KubernetesObject[] {
  const documents = parseAllDocuments(text).map((document) => document.toJS());
  return documents.filter((document) => document !== null).map((document) => KubernetesObject.parse(document));
}

/** The only object of a kind with a name that ends so. */
export function find(objects: readonly KubernetesObject[], kind: string, end: string): KubernetesObject {
  const found = objects.filter((each) => each.kind === kind && each.metadata.name?.endsWith(end));
  if (found.length !== 1) throw new Error(`${found.length} objects ${kind} …${end}`);
  return found[0]!;
}

/** The files in a ConfigMap, by name. */
export function filesIn(objects: readonly KubernetesObject[], configMap: string): Readonly<Record<string, string>> {
  const Data = z.looseObject({ data: z.record(z.string(), z.string()) });
  return Data.parse(find(objects, 'ConfigMap', configMap)).data;
}

/** A file in a ConfigMap, parsed. */
export function fileIn(objects: readonly KubernetesObject[], configMap: string, file: string): unknown {
  return parse(filesIn(objects, configMap)[file] ?? '');
}

/** A run that is placed for the first time, with replicas of its student. */
const CLAIM = { runId: 'tiny', number: 1, priority: 1, replicas: { teacher: 1, student: 2 } };

/** The JobSet that the orchestrator makes for a run, by class. */
export function jobSetsOf(objects: readonly KubernetesObject[]): ReadonlyMap<string, NewJobSet> {
  const { placement } = OrchestratorConfig.parse(fileIn(objects, '-orchestrator', 'config.yaml'));
  if (placement?.kind !== 'jobset') throw new Error('runs are not placed as JobSets');
  const { queue, ...rest } = placement;
  const rules = { ...rest, ...(queue !== undefined && { queue }) };
  return new Map(
    Object.entries(filesIn(objects, '-placement')).map(([file, text]) => {
      const name = file.replace(/\.yaml$/, '');
      return [name, jobSetOf(parseTemplate(name, parse(text)), CLAIM, rules)] as const;
    }),
  );
}

/** The pods of a run of each class, in Jobs as the controller of JobSets makes them: what checks of known kinds read. */
export function jobsOf(objects: readonly KubernetesObject[]): readonly object[] {
  return [...jobSetsOf(objects)].flatMap(([name, { metadata, spec }]) =>
    spec.replicatedJobs.map(({ name: role, template }) => ({
      ...{ apiVersion: 'batch/v1', kind: 'Job' },
      ...{ metadata: { name: `${name}-${role}`, namespace: metadata['namespace'] }, spec: template.spec },
    })),
  );
}

export function readChart(path: string): string {
  return readFileSync(join(CHART, path), 'utf8');
}
