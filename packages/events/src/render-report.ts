import type { RunHistory } from './run-history.js';

const PLACE = '<script type="application/json" id="history">';

/**
 * The report of a run as one HTML file that needs nothing else, not even a network.
 * @param template the built page of services/dashboard, dist/report.html
 */
export function renderReport(template: string, history: RunHistory): string {
  const at = template.indexOf(PLACE);
  if (at < 0) throw new Error('this is no template of a report');
  const end = at + PLACE.length;
  // Nothing in a run can end the script or begin another: its failure may be any text.
  const data = JSON.stringify(history).replaceAll('<', '\\u003c');
  return template.slice(0, end) + data + template.slice(end);
}
