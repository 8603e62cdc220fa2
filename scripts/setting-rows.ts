/** Rows for the tables of settings, from their JSON schemas. */

/** The part of a JSON schema that ours use. */
export interface Schema {
  /** What to say of the values in place of the schema, where a section of its own explains them. */
  readonly title?: string;
  readonly type?: string;
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
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

/** A row of a table of settings. */
export interface Row {
  readonly path: string;
  readonly type: string;
  readonly fallback: string;
  readonly meaning: string;
}

/** One row for each setting, in the order of the schema; alternatives one after the other. */
export function rowsOf(schema: Schema, path: string, required: boolean): readonly Row[] {
  if (schema.title !== undefined) {
    const { title, description = '' } = schema;
    return [{ path, type: title, fallback: fallbackOf(schema, required), meaning: description }];
  }
  const alternatives = alternativesOf(schema);
  if (alternatives.some(({ properties }) => properties)) {
    const { description = '' } = schema;
    return alternatives.flatMap((each) =>
      rowsOf(each.properties ? each : { description, ...each }, `${path}${kindOf(each)}`, required),
    );
  }
  if (schema.properties) {
    // A setting may have this name too.
    const kind = schema.properties.kind?.const === undefined ? undefined : schema.properties.kind;
    const inside = Object.entries(schema.properties).filter(([, each]) => each !== kind);
    const isNeeded = (name: string) => schema.required?.includes(name) ?? false;
    const isOptional = !required && schema.default === undefined && schema.description !== undefined;
    const chosen = { path, type: `kind: ${kind?.const}`, fallback: '', meaning: kind?.description ?? '' };
    const section = { path, type: 'section', fallback: '', meaning: schema.description ?? '' };
    const own = [...(isOptional ? [section] : []), ...(kind ? [chosen] : [])];
    return [...own, ...inside.flatMap(([name, each]) => rowsOf(each, join(path, name), isNeeded(name)))];
  }
  const listed = schema.items?.oneOf || schema.items?.properties ? rowsOf(schema.items, `${path}[]`, true) : [];
  return [
    { path, type: typeOf(schema), fallback: fallbackOf(schema, required), meaning: schema.description ?? '' },
    ...listed,
  ];
}

/** The alternatives of a schema, and theirs. */
function alternativesOf({ oneOf, anyOf }: Schema): readonly Schema[] {
  return (oneOf ?? anyOf ?? []).flatMap((each) =>
    each.title !== undefined || !each.oneOf ? [each] : alternativesOf(each),
  );
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
