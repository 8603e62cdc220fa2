import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { CHART, helm, NAMESPACE, objectsIn, RELEASE } from './chart.js';

const TEXT = readFileSync(fileURLToPath(new URL('../../docs/kubernetes.md', import.meta.url)), 'utf8');
const VALUES: object = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8'));

/** Values of the chart in the document: the trial, and what may be added to it. */
const [trial = '', ...additions] = [...TEXT.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)]
  .map(([, block]) => block!)
  .filter((block) => !block.startsWith('# store.yaml') && Object.keys(parse(block)).every((key) => key in VALUES));

function kindsWith(...blocks: readonly string[]): readonly string[] {
  const values = blocks.flatMap((block) => Object.entries<unknown>(parse(block)));
  const set = values.flatMap(([name, value]) => ['--set-json', `${name}=${JSON.stringify(value)}`]);
  return objectsIn(helm('template', RELEASE, CHART, '--namespace', NAMESPACE, ...set)).map(({ kind }) => kind);
}

describe('docs/kubernetes.md', () => {
  test('installs a trial with its values', () => {
    expect(kindsWith(trial)).toEqual(expect.arrayContaining(['Deployment', 'Service', 'Namespace', 'Role']));
  });

  test.each(additions)('adds values that the chart takes: %s', (block) => {
    expect(kindsWith(trial, block).length).toBeGreaterThanOrEqual(kindsWith(trial).length);
  });

  test('adds a route, an ingress, classes, queues, data and servers of models', () => {
    expect(additions.flatMap((block) => Object.keys(parse(block)))).toEqual([
      'gateway',
      'ingress',
      'classes',
      'kueue',
      'datasets',
      'serving',
    ]);
  });

  test('creates a run with a spec that there may be', () => {
    const [, spec = ''] = /^spec='([\s\S]*?)'$/m.exec(TEXT) ?? [];
    expect(RunSpec.parse(JSON.parse(spec))).toMatchObject({ name: 'by-grpc', curriculum: { generations: 3 } });
  });
});
