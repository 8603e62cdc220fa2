import { RunSpec } from '@trikd/core/spec/run-spec';
import { z } from 'zod';

/** The part of a JSON schema that names settings. */
const Node = z.object({
  get properties() {
    return z.record(z.string(), Node).optional();
  },
  /** Of a record by name, and `false` elsewhere. */
  get additionalProperties() {
    return Node.optional().catch(undefined);
  },
  /** `false` where the items of a list are those of a tuple. */
  get items() {
    return Node.optional().catch(undefined);
  },
  get oneOf() {
    return z.array(Node).optional();
  },
  get anyOf() {
    return z.array(Node).optional();
  },
});
type Node = z.infer<typeof Node>;

let known: Node | undefined;

function root(): Node {
  known ??= Node.parse(z.toJSONSchema(RunSpec, { io: 'input' }));
  return known;
}

/** Names of the settings at a place in the spec of a run; in a list a number stands for an item. */
export function settingsAt(path: readonly PropertyKey[]): readonly string[] {
  const places = path.reduce<readonly Node[]>((nodes, part) => nodes.flatMap((node) => inside(node, part)), [root()]);
  return [...new Set(places.flatMap(alternatives).flatMap(({ properties = {} }) => Object.keys(properties)))];
}

/** Paths of all settings that have a value of their own, such as `student.learningRate`. */
export function settingPaths(): readonly string[] {
  const below = (node: Node, path: string): readonly string[] => {
    const fields = alternatives(node).flatMap(({ properties = {} }) => Object.entries(properties));
    return fields.length === 0
      ? [path]
      : fields.flatMap(([name, field]) => below(field, path === '' ? name : `${path}.${name}`));
  };
  return [...new Set(below(root(), ''))].sort();
}

function alternatives(node: Node): readonly Node[] {
  return [node, ...[...(node.oneOf ?? []), ...(node.anyOf ?? [])].flatMap(alternatives)];
}

function inside(node: Node, part: PropertyKey): readonly Node[] {
  return alternatives(node).flatMap(({ properties = {}, additionalProperties, items }) => {
    const field = typeof part === 'number' ? items : (properties[String(part)] ?? additionalProperties);
    return field ? [field] : [];
  });
}
