import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { goTool } from '@trikd/testing/servers/go-tool';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';

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

export const JobSet = z.looseObject({
  apiVersion: z.literal('jobset.x-k8s.io/v1alpha2'),
  kind: z.literal('JobSet'),
  metadata: z.looseObject({ labels: Labels }),
  spec: z.looseObject({
    replicatedJobs: z.array(
      z.object({
        name: z.enum(['teacher', 'student', 'anchor']),
        replicas: z.literal(1),
        template: z.object({
          spec: z.object({
            parallelism: z.literal(1),
            completions: z.literal(1),
            backoffLimit: z.int(),
            template: PodTemplate,
          }),
        }),
      }),
    ),
  }),
});
export type JobSet = z.infer<typeof JobSet>;

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

export function helm(...args: readonly string[]): string {
  return run(goTool('helm'), args);
}

/** What Helm would install. @param set a file of values. @param more such as --set and a value */
export function render(set: string, ...more: readonly string[]): string {
  const values = join(CHART, 'ci', `${set}-values.yaml`);
  return helm('template', RELEASE, CHART, '--namespace', NAMESPACE, '--values', values, ...more);
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

/** A file in a ConfigMap, parsed. */
export function fileIn(objects: readonly KubernetesObject[], configMap: string, file: string): unknown {
  const { data } = z
    .looseObject({ data: z.record(z.string(), z.string()) })
    .parse(find(objects, 'ConfigMap', configMap));
  return parse(data[file] ?? '');
}

/** The JobSets of the classes, by class. */
export function jobSetsOf(objects: readonly KubernetesObject[]): ReadonlyMap<string, JobSet> {
  const { data } = z
    .looseObject({ data: z.record(z.string(), z.string()) })
    .parse(find(objects, 'ConfigMap', '-placement'));
  return new Map(
    Object.entries(data).map(([file, text]) => [file.replace(/\.yaml$/, ''), JobSet.parse(parse(text))] as const),
  );
}

/** Labels that the orchestrator adds to the pods of a run. */
export function labelsOfRun(role: string): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/managed-by': 'trikd',
    'app.kubernetes.io/instance': RELEASE,
    'trikd.dev/run': 'tiny',
    'trikd.dev/placement': '1',
    'trikd.dev/role': role,
  };
}

export function readChart(path: string): string {
  return readFileSync(join(CHART, path), 'utf8');
}
