import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { goTool } from '@trikd/testing/servers/go-tool';
import { describe, expect, test } from 'vitest';
import { CHART, helm, objectsIn, readChart, render, run, SETS } from './chart.js';

const templates = globSync('**/*.yaml', { cwd: join(CHART, 'templates') }).sort();
const suites = globSync('tests/*_test.yaml', { cwd: CHART }).sort();

describe.each(SETS)('with the values of ci/%s-values.yaml', (set) => {
  test('the chart has no complaint of helm lint', () => {
    const values = join(CHART, 'ci', `${set}-values.yaml`);
    expect(helm('lint', '--strict', CHART, '--values', values)).toContain('1 chart(s) linted, 0 chart(s) failed');
  });

  test('each object has a namespace, or belongs to the cluster', () => {
    const ofCluster = ['Namespace', 'ClusterQueue', 'ResourceFlavor', 'WorkloadPriorityClass'];
    const objects = objectsIn(render(set)).filter(({ metadata }) => !metadata.name?.match(/-(note|text)$/));
    for (const { kind, metadata } of objects) {
      expect(metadata.namespace === undefined, `${kind} ${metadata.name}`).toBe(ofCluster.includes(kind));
    }
  });

  test('each container runs as a user without rights, on a root that cannot be written', () => {
    const text = render(set);
    const containers = text.match(/^ *(- )?image: /gm)?.length ?? 0;
    expect(containers).toBeGreaterThan(4);
    for (const line of ['readOnlyRootFilesystem: true', 'allowPrivilegeEscalation: false', 'runAsUser: 65532']) {
      expect(text.split(line).length - 1, line).toBeGreaterThanOrEqual(containers);
    }
  });
});

test('its own tests hold', () => {
  expect(run(goTool('helm-unittest'), [CHART])).toMatch(/^Charts: +1 passed, 1 total$/m);
});

test('each template has a test', () => {
  const texts = suites.map(readChart).join('\n');
  expect(templates.length).toBeGreaterThan(30);
  expect(templates.filter((template) => !texts.includes(template))).toEqual([]);
});

test('nothing in it looks at a cluster, at a clock or at chance: GitOps renders the same again', () => {
  const sources = globSync('templates/**', { cwd: CHART }).filter((path) => /\.(yaml|tpl|txt)$/.test(path));
  const unsteady =
    /\b(lookup|randAlpha\w*|randAscii|randNumeric|uuidv4|genCA|genSelfSigned\w*|genPrivateKey|now|Capabilities)\b/;
  expect(sources.filter((path) => unsteady.test(readChart(path)))).toEqual([]);
});

test('it is packaged without its tests', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trikd-package-'));
  try {
    helm('package', CHART, '--destination', folder);
    const files = run('tar', ['-tzf', join(folder, 'trikd-0.1.0.tgz')])
      .trim()
      .split('\n');
    expect(files).toEqual(expect.arrayContaining(['trikd/Chart.yaml', 'trikd/README.md', 'trikd/files/alerts.yaml']));
    expect(files.filter((file) => /^trikd\/(ci|tests)\//.test(file))).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('only `helm test` uses hooks', () => {
  const hooked = objectsIn(render('full')).flatMap(({ metadata }) => metadata.annotations?.['helm.sh/hook'] ?? []);
  expect(hooked).toEqual(['test', 'test']);
});

test('each file of the chart is one object, or one for each member of a list', () => {
  const kinds = templates.map(
    (path) => [path, readChart(join('templates', path)).match(/^kind: /gm)?.length ?? 0] as const,
  );
  expect(kinds.filter(([, count]) => count > 1)).toEqual([]);
});
