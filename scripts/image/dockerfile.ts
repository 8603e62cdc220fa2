/** Reads the final stage of a Dockerfile, so that the image that is built without a daemon is the one that the Dockerfile describes. */

/** Files that the final stage copies, each a layer. */
export interface LayerCopy {
  /** Folder that another stage made; its content is copied. */
  readonly source: string;
  readonly target: string;
  /** uid:gid */
  readonly owner: string;
}

/** What the final stage sets, as the configuration of an image has it. */
export interface ImageConfig {
  readonly Env: readonly string[];
  readonly User: string;
  readonly WorkingDir: string;
  readonly Entrypoint: readonly string[];
  readonly ExposedPorts: Readonly<Record<string, Record<string, never>>>;
  readonly Labels: Readonly<Record<string, string>>;
}

export interface FinalStage {
  readonly config: ImageConfig;
  readonly copies: readonly LayerCopy[];
}

interface Instruction {
  readonly keyword: string;
  readonly rest: string;
}

/**
 * The stage `target` with the stages that it is built on, down to `scratch`.
 * @param args values of build arguments, instead of their defaults
 * @throws Error for what cannot be done without a daemon, such as RUN
 */
export function finalStage(text: string, target: string, args: Readonly<Record<string, string>> = {}): FinalStage {
  const instructions = instructionsOf(text);
  const own = stageOf(instructions, target);
  const values: Record<string, string> = {};
  const config = {
    Env: [] as string[],
    User: '0',
    WorkingDir: '/',
    Entrypoint: [] as string[],
    ExposedPorts: {} as Record<string, Record<string, never>>,
    Labels: {} as Record<string, string>,
  };
  const copies: LayerCopy[] = [];
  const filled = (text: string) => text.replace(/\$\{(\w+)\}/g, (_, name: string) => values[name] ?? '');
  for (const { keyword, rest } of own) {
    switch (keyword) {
      case 'ARG': {
        const [name = '', value = ''] = split(rest, '=');
        values[name] = args[name] ?? value;
        break;
      }
      case 'ENV':
        for (const [name, value] of pairsOf(filled(rest))) config.Env.push(`${name}=${value}`);
        break;
      case 'LABEL':
        for (const [name, value] of pairsOf(filled(rest))) config.Labels[name] = value;
        break;
      case 'USER':
        config.User = rest;
        break;
      case 'WORKDIR':
        config.WorkingDir = rest;
        break;
      case 'ENTRYPOINT':
        config.Entrypoint = JSON.parse(rest);
        break;
      case 'EXPOSE':
        for (const port of rest.split(/\s+/)) config.ExposedPorts[`${port}/tcp`] = {};
        break;
      case 'COPY':
        copies.push(copyOf(rest));
        break;
      default:
        throw new Error(`the stage ${target} has ${keyword}, which needs a daemon`);
    }
  }
  return { config, copies };
}

/** Lines that end in a backslash continue; lines that begin with # are comments. */
function instructionsOf(text: string): readonly Instruction[] {
  const lines = text.split('\n').filter((line) => !/^\s*#/.test(line));
  const joined = lines.join('\n').replace(/\\\n\s*/g, '');
  return joined.split('\n').flatMap((line) => {
    const [keyword = '', rest = ''] = split(line.trim(), ' ');
    return keyword === '' ? [] : [{ keyword: keyword.toUpperCase(), rest: rest.trim() }];
  });
}

function stageOf(instructions: readonly Instruction[], name: string): readonly Instruction[] {
  if (name === 'scratch') return [];
  const start = instructions.findIndex(
    ({ keyword, rest }) => keyword === 'FROM' && new RegExp(` AS ${name}$`, 'i').test(rest),
  );
  if (start < 0) throw new Error(`the Dockerfile has no stage ${name}`);
  const next = instructions.findIndex(({ keyword }, index) => index > start && keyword === 'FROM');
  const base = instructions[start]!.rest.split(/\s+/)[0]!;
  return [...stageOf(instructions, base), ...instructions.slice(start + 1, next < 0 ? undefined : next)];
}

function copyOf(rest: string): LayerCopy {
  const words = rest.split(/\s+/);
  const options = words.filter((word) => word.startsWith('--'));
  const [source, target, ...more] = words.filter((word) => !word.startsWith('--'));
  if (!options.some((option) => option.startsWith('--from=')) || !source || !target || more.length > 0) {
    throw new Error(`expected COPY --from=STAGE FOLDER FOLDER, found COPY ${rest}`);
  }
  const owner = options.find((option) => option.startsWith('--chown='))?.slice('--chown='.length) ?? '0:0';
  return { source: source.replace(/\/$/, ''), target, owner };
}

/** `a=1 b="two words"` */
function pairsOf(text: string): readonly (readonly [name: string, value: string])[] {
  return [...text.matchAll(/([\w.-]+)=(?:"([^"]*)"|(\S*))/g)].map(([, name = '', quoted, bare = '']) => [
    name,
    quoted ?? bare,
  ]);
}

function split(text: string, separator: string): readonly [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
