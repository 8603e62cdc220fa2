import { withStatedKernels } from '@trikd/core/spec/settings-in';
import { stringify } from 'yaml';
import { numericsText, roleName } from './names.js';
import type { RunHistory } from './run-history.js';

const HISTORY = '<script type="application/json" id="history">';
const RUN_FILE = '<script type="application/yaml" id="run-file">';

/**
 * The report of a run as one HTML file that needs nothing else, not even a network. It holds the file that starts the run again.
 * @param template the built page of services/dashboard, dist/report.html
 */
export function renderReport(template: string, history: RunHistory): string {
  // Nothing in a run can end the script or begin another: its failure may be any text.
  const data = JSON.stringify(history).replaceAll('<', '\\u003c');
  return filled(filled(template, HISTORY, data), RUN_FILE, runFile(history) ?? '');
}

/** The file in a report that starts its run again; undefined when the page has none. */
export function runFileIn(page: string): string | undefined {
  const at = page.indexOf(RUN_FILE);
  if (at < 0) return undefined;
  const [text = ''] = page.slice(at + RUN_FILE.length).split('</script>', 1);
  return text.trim() === '' ? undefined : text;
}

function filled(template: string, place: string, content: string): string {
  const at = template.indexOf(place);
  if (at < 0) throw new Error('this is no template of a report');
  const end = at + place.length;
  return template.slice(0, end) + content + template.slice(end);
}

/**
 * The file that starts a run again: its spec in YAML with all defaults, below comments with what else its numbers depend on. No `<` is in
 * it, so it can stand in a page of HTML as it is. Undefined when the spec is not known.
 */
export function runFile({ run, stages }: Pick<RunHistory, 'run' | 'stages'>): string | undefined {
  if (!run || run.spec === '') return undefined;
  const spec = yamlOf(run.spec);
  if (spec === undefined) return undefined;
  const numerics = stages.findLast((each) => each.numerics)?.numerics ?? [];
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
