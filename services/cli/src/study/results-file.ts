import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs';
import { TrikdError } from '@trikd/core/domain/errors';
import { Row } from './row.js';

/** The rows of a study so far, a line of JSON each. A last line that was cut off is left out. */
export function readRows(file: string): readonly Row[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line, index) => {
    if (line.trim() === '') return [];
    const parsed = Row.safeParse(jsonOf(line));
    if (parsed.success) return [parsed.data];
    // Every complete line ends: what follows the last end was being written.
    if (index === lines.length - 1) return [];
    throw new TrikdError(
      'corrupt',
      `${file}:${index + 1} is no result of a study; remove the line to train its run again`,
    );
  });
}

/** Removes a last line that was cut off, so that the next row begins a line. */
export function removeCutLine(file: string): void {
  if (!existsSync(file)) return;
  const bytes = readFileSync(file);
  const end = bytes.lastIndexOf('\n') + 1;
  if (end < bytes.length) truncateSync(file, end);
}

export function appendRow(file: string, row: Row): void {
  appendFileSync(file, `${JSON.stringify(row)}\n`);
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
