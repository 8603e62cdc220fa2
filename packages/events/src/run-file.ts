import { withStatedKernels } from '@trikd/core/spec/settings-in';
import { stringify } from 'yaml';
import { roleName } from './names.js';
import { numericsText } from './numerics-text.js';
import type { RunHistory } from './run-history.js';

/**
 * The file that starts a run again: its spec in YAML with all defaults, below comments with what else its numbers depend on. No `<` is in
 * it, so it can stand in a page of HTML as it is. Undefined when the spec is not known.
 */
export function runFile({ run, generations }: Pick<RunHistory, 'run' | 'generations'>): string | undefined {
  if (!run || run.spec === '') return undefined;
  const spec = yamlOf(run.spec);
  if (spec === undefined) return undefined;
  const numerics = generations.findLast((each) => each.numerics)?.numerics ?? [];
  const comments = [
    `The run ${run.runId}. To train it again: trikd run FILE --set name=ANOTHER-NAME`,
    ...(run.specDigest === '' ? [] : [`SHA-256 of the spec: ${run.specDigest}`]),
    ...numerics.map(({ role, numerics: own }) => `The ${roleName(role)} computed with ${numericsText(own)}`),
  ];
  return `${comments.map(commentOf).join('')}${spec}`;
}

/** JSON is YAML too, and can write any text without a `<`. */
function yamlOf(spec: string): string | undefined {
  try {
    // A file without kernels would start a run with those of a new one.
    const settings = withStatedKernels(JSON.parse(spec));
    const text = stringify(settings, { lineWidth: 0, aliasDuplicateObjects: false });
    return text.includes('<') ? `${JSON.stringify(settings).replaceAll('<', '\\u003c')}\n` : text;
  } catch {
    return undefined;
  }
}

/** Text of processes stays in its line. */
function commentOf(text: string): string {
  return `# ${text.replaceAll(/[\p{Cc}<\u2028\u2029]/gu, ' ')}\n`;
}
