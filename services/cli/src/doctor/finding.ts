import Table from 'cli-table3';
import type { Colour, Paint } from '../paint.js';

/** Result of a check: `skipped` when there is nothing to check, `warning` when it may be intended. */
export type Verdict = 'ok' | 'warning' | 'failed' | 'skipped';

/** A check and its result. */
export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  /** What was found, and what to do about it. */
  readonly text: string;
}

const COLOURS: Readonly<Record<Verdict, Colour>> = { ok: 'green', warning: 'yellow', failed: 'red', skipped: 'dim' };

/** All findings, for people. */
export function findingsText(findings: readonly Finding[], paint: Paint): string {
  const table = new Table({ head: ['check', '', 'found'], style: { head: [], border: [], compact: true } });
  for (const { check, verdict, text } of findings) table.push([check, paint(COLOURS[verdict], verdict), text]);
  const count = (wanted: Verdict) => findings.filter(({ verdict }) => verdict === wanted).length;
  return `${table.toString()}\n${count('ok')} ok, ${count('warning')} warnings, ${count('failed')} failed`;
}
