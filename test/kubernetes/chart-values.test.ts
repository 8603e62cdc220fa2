import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { readChart, render, SETS } from './chart.js';

/** The part of the schema of values that matters here. */
const Schema = z.object({
  description: z.string().optional(),
  get properties() {
    return z.record(z.string(), Schema.or(z.literal(true))).optional();
  },
  additionalProperties: z.union([z.boolean(), z.looseObject({})]).optional(),
});
type Schema = z.infer<typeof Schema>;

const isTree = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Paths of all values. A map whose names are free is one, and so is a list. */
function leavesOf(tree: Record<string, unknown>, at = ''): readonly string[] {
  return Object.entries(tree).flatMap(([name, value]) => {
    const path = at === '' ? name : `${at}.${name}`;
    const isSection = isTree(value) && schemaAt(path)?.properties !== undefined;
    return isSection && Object.keys(value).length > 0 ? leavesOf(value, path) : [path];
  });
}

const schema = Schema.parse(JSON.parse(readChart('values.schema.json')));

function schemaAt(path: string): Schema | undefined {
  return path.split('.').reduce<Schema | undefined>((node, name) => {
    const next = node?.properties?.[name];
    return next === true ? undefined : next;
  }, schema);
}

const values: unknown = parse(readChart('values.yaml'));
const leaves = isTree(values) ? leavesOf(values) : [];
// A class is described once, for all names; its tests are in the suite of the placement.
const own = leaves.filter((path) => !path.startsWith('classes.'));

describe('values.schema.json', () => {
  test('describes each value', () => {
    expect(own.length).toBeGreaterThan(100);
    const isDescribed = (path: string) => {
      const parts = path.split('.');
      // A list or a free map in a value is described with it.
      return parts.some((_, index) => schemaAt(parts.slice(0, index + 1).join('.'))?.description !== undefined);
    };
    expect(own.filter((path) => !isDescribed(path))).toEqual([]);
  });

  test('rejects what it does not know, at every level', () => {
    const open: string[] = [];
    const visit = (node: Schema, path: string) => {
      if (node.properties && node.additionalProperties !== false) open.push(path);
      for (const [name, each] of Object.entries(node.properties ?? {}))
        if (each !== true) visit(each, `${path}.${name}`);
    };
    visit(schema, '');
    expect(open).toEqual([]);
  });
});

/** The value at a path, and undefined where there is none. */
function valueAt(tree: unknown, path: string): unknown {
  return path.split('.').reduce((node, name) => (isTree(node) ? node[name] : undefined), tree);
}

describe('a value is of use: what Helm renders differs without it, or it complains.', () => {
  const given = SETS.map((set) => [set, parse(readChart(`ci/${set}-values.yaml`)), render(set)] as const);

  function differs(set: string, rendered: string, path: string): boolean {
    try {
      return render(set, '--set-json', `${path}=${JSON.stringify(valueAt(values, path))}`) !== rendered;
    } catch {
      return true;
    }
  }

  test.each(own)('%s', (path) => {
    const asked = given.filter(([, tree]) => valueAt(tree, path) !== undefined);
    expect(
      asked.map(([set]) => set),
      'sets of values that have it',
    ).not.toEqual([]);
    expect(asked.some(([set, , rendered]) => differs(set, rendered, path))).toBe(true);
  });
});

test('a value of another chart is refused with the name that it has here', () => {
  const misplaced = Object.entries(schema.properties ?? {}).flatMap(([name, each]) => (each === true ? [name] : []));
  expect(misplaced.length).toBeGreaterThan(5);
  for (const name of misplaced) {
    expect(() => render('trial', '--set', `${name}=1`), name).toThrow(`${name} is not a value of this chart: set `);
  }
});

test('a value that is missing or of another type is refused by name', () => {
  expect(() => render('trial', '--set', 'orchestrator.replicas=two')).toThrow(/orchestrator.*replicas/s);
  expect(() => render('trial', '--set', 'orchestrator.replicas=null')).toThrow(/replicas/);
  expect(() => render('trial', '--set', 'orchestrator.replica=3')).toThrow(/replica/);
});
