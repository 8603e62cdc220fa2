import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { goTool } from '@trikd/testing/servers/go-tool';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { jobsOf, type KubernetesObject, objectsIn, render, run, SETS } from './chart.js';

const FETCH = fileURLToPath(new URL('../../scripts/fetch-python-packages.py', import.meta.url));
/** Three minor versions. */
const VERSIONS = ['1.35.0', '1.36.0', '1.37.0'];

/** Findings of kube-score that are not followed. */
const IGNORED: Readonly<Record<string, (object: string) => boolean>> = {
  // Tags name a version and digests a content: an image on the node is the right one, and a registry that is away stops nothing.
  'container-image-pull-policy': () => true,
  // Requested storage needs a quota in every queue of Kueue. The volumes of these pods have a size, the rest is read-only.
  'container-ephemeral-storage-request-and-limit': (object) => object.startsWith('Job/'),
  // The leader labels its own pod; no template has the label.
  'service-targets-pod': (object) => /^Service\/.*-orchestrator$/.test(object),
};

const CRITICAL = 1;
const Scores = z.array(
  z.object({
    object_name: z.string(),
    checks: z.array(
      z.object({
        check: z.object({ id: z.string() }),
        grade: z.int(),
        skipped: z.boolean(),
        comments: z.array(z.object({ summary: z.string() })).nullable(),
      }),
    ),
  }),
);

const scratch = mkdtempSync(join(tmpdir(), 'trikd-chart-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Kinds of Kubernetes itself: those of others are in groups with a domain. */
function isOwn({ apiVersion }: KubernetesObject): boolean {
  return /^((apps|batch|policy)\/)?v1$|^(networking|rbac\.authorization)\.k8s\.io\/v1$/.test(apiVersion);
}

function fileOf(name: string, objects: readonly object[]): string {
  const path = join(scratch, `${name}.yaml`);
  // As JSON, which versions of YAML read alike: without quotes, some take a text such as off for a boolean.
  writeFileSync(path, objects.map((each) => JSON.stringify(each)).join('\n---\n'));
  return path;
}

function criticalIn(path: string): readonly string[] {
  const args = ['score', '--output-format', 'json', '--kubernetes-version', 'v1.36', path];
  // Its status says whether it found something.
  const { stdout, stderr } = spawnSync(goTool('kube-score'), args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (stdout === '') throw new Error(stderr);
  return Scores.parse(JSON.parse(stdout)).flatMap(({ object_name, checks }) =>
    checks
      .filter(({ check, grade, skipped }) => !skipped && grade <= CRITICAL && !IGNORED[check.id]?.(object_name))
      .map(({ check, comments }) => `${object_name} ${check.id} ${comments?.map(({ summary }) => summary).join('; ')}`),
  );
}

/** What is rendered with each set of values, and the pods of its runs. */
const paths = new Map(
  SETS.map((set) => {
    const objects = objectsIn(render(set));
    return [set, fileOf(set, [...objects.filter(isOwn), ...jobsOf(objects)])] as const;
  }),
);

test.each(VERSIONS)('all objects and the pods of runs fit the schema of Kubernetes %s', (version) => {
  const args = ['-m', 'kubernetes_validate', '--strict', '-k', version, ...paths.values()];
  const said = run('python3', args, undefined, { PYTHONPATH: run('python3', [FETCH, 'kubernetes-validate']).trim() });
  expect(said.match(/^INFO .* passed for resource /gm)?.length).toBeGreaterThan(20 * SETS.length);
  expect(said).not.toMatch(/^(WARN|ERROR)/m);
});

// The other values turn protections off.
test.each(SETS.filter((set) => set !== 'other'))('kube-score finds nothing critical with ci/%s-values.yaml', (set) => {
  expect(criticalIn(paths.get(set)!)).toEqual([]);
});

test('an object with an unknown field, and a pod without limits, are found', () => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a' },
    spec: { containers: [{ name: 'a', image: 'a:1' }] },
  };
  const path = fileOf('mistaken', [{ ...pod, spec: { ...pod.spec, replicas: 2 } }]);
  const PYTHONPATH = run('python3', [FETCH, 'kubernetes-validate']).trim();
  const validate = () => run('python3', ['-m', 'kubernetes_validate', '--strict', path], undefined, { PYTHONPATH });
  expect(validate).toThrow(/replicas/);
  expect(criticalIn(fileOf('unlimited', [pod])).join('\n')).toContain('Memory limit');
});
