import { runFile } from './run-file.js';
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
