/**
 * Writes the reference of a run's file and of the services' configuration, from the schemas that read them.
 *
 * usage: node scripts/config-reference.ts > docs/configuration.md      (after a build)
 */
import { RunSpec } from '@trikd/core/spec/run-spec';
import { modelServiceConfig } from '@trikd/model-host/config';
import { StoreConfig } from '@trikd/store/store-config';
import { z } from 'zod';
import { OrchestratorConfig } from '../services/orchestrator/dist/config.js';

/** The part of a JSON schema that ours use. */
interface Schema {
  readonly type?: string;
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

interface Row {
  readonly path: string;
  readonly type: string;
  readonly fallback: string;
  readonly meaning: string;
}

/** One row for each setting, in the order of the schema; alternatives one after the other. */
function rowsOf(schema: Schema, path: string, required: boolean): readonly Row[] {
  const alternatives = schema.oneOf ?? schema.anyOf;
  if (alternatives?.some(({ properties }) => properties)) {
    return alternatives.flatMap((each) => rowsOf(each, `${path}${kindOf(each)}`, required));
  }
  if (schema.properties) {
    const inside = Object.entries(schema.properties).filter(([name]) => name !== 'kind');
    const kind = schema.properties.kind;
    const own = kind ? [{ path, type: `kind: ${kind.const}`, fallback: '', meaning: kind.description ?? '' }] : [];
    return [
      ...own,
      ...inside.flatMap(([name, each]) => rowsOf(each, join(path, name), schema.required?.includes(name) ?? false)),
    ];
  }
  const listed = schema.items?.oneOf || schema.items?.properties ? rowsOf(schema.items, `${path}[]`, true) : [];
  return [
    { path, type: typeOf(schema), fallback: fallbackOf(schema, required), meaning: schema.description ?? '' },
    ...listed,
  ];
}

const join = (path: string, name: string) => (path === '' ? name : `${path}.${name}`);
const kindOf = ({ properties }: Schema) => (properties?.kind?.const === undefined ? '' : ` (${properties.kind.const})`);

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum.join(', ');
  if (schema.prefixItems) return `[${schema.prefixItems.map(typeOf).join(', ')}]`;
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.type === 'array') return schema.items?.oneOf || !schema.items ? 'list' : `list of ${typeOf(schema.items)}`;
  return [schema.type === 'integer' ? 'whole number' : schema.type, boundsOf(schema)].filter(Boolean).join(' ');
}

function boundsOf({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Schema): string {
  const lower = minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? [] : [`≥ ${minimum}`];
  const upper = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? [] : [`≤ ${maximum}`];
  return [
    ...(exclusiveMinimum === undefined ? [] : [`> ${exclusiveMinimum}`]),
    ...lower,
    ...(exclusiveMaximum === undefined ? [] : [`< ${exclusiveMaximum}`]),
    ...upper,
  ].join(', ');
}

function fallbackOf(schema: Schema, required: boolean): string {
  if (schema.default !== undefined) return `\`${JSON.stringify(schema.default)}\``;
  return required ? '**required**' : '';
}

/** @param at Where the schema stands in a configuration; the store stands in several, and has a table of its own. */
function table(schema: z.ZodType, at = ''): string {
  // Both roles have the same settings: one row says it for the two.
  const rows = rowsOf(z.toJSONSchema(schema, { io: 'input' }) as Schema, at, true)
    .filter(({ path }) => !path.startsWith('teacher.'))
    .filter(({ path }) => at !== '' || !path.startsWith('store '))
    .map((row) => ({ ...row, path: row.path.replace(/^student\./, 'ROLE.') }));
  const lines = rows.map(({ path, type, fallback, meaning }) => `| \`${path}\` | ${type} | ${fallback} | ${meaning} |`);
  return ['| setting | values | default | meaning |', '| --- | --- | --- | --- |', ...lines].join('\n');
}

console.log(`# Configuration

Written by \`make generate\` from the schemas that read it; do not edit.

## A run

The file that \`trikd run FILE\` reads, in YAML. It decides the params of the run, bit for bit, and nothing else; it cannot be
changed while the run exists. \`--set path=value\` overrides a setting. Settings that do not exist are refused, and all
mistakes are named at once. \`ROLE\` stands for \`student\` and for \`teacher\`; what stands in parentheses is the \`kind\` that has
the setting.

${table(RunSpec)}

## The model services

anchor-server, teacher-trainer and student-trainer. The file that \`TRIKD_CONFIG\` names, in YAML, then the environment:
\`TRIKD_DRAIN_SECONDS=9\` stands for \`drainSeconds\`, and \`TRIKD_STORE__PATH=/data\` for \`store.path\`. An empty variable is an empty
text where the setting takes one, and elsewhere the same as no variable. They have a [store](#the-store) too, and listen on ports
50051, 50052 and 50053 by default.

${table(modelServiceConfig('0.0.0.0:5005x'))}

## The orchestrator

Read like the above, and with a [store](#the-store) too.

${table(OrchestratorConfig)}

## The store

Where checkpoints, manifests and the state of runs are: the section \`store\` of each service's configuration, and the same for all
services of a run.

${table(StoreConfig, 'store')}

A bucket is used with the rights to get, put, delete and list its objects. When a service starts it proves, with objects below
\`probe/\` that it removes again, that of 32 racing conditional writes one wins; otherwise it does not start, and says what the store
let happen. It does not start either when the store cannot be reached or refuses the credentials: whoever keeps services alive
starts it again. \`make minio\` runs a MinIO for trials and prints the settings for it. What is true of all settings is true of
credentials in the environment: they are read as YAML, so one of digits alone needs quotes of its own, \`'"1234"'\`.`);
