import type { LogEntry } from '@trikd/events/log';

/** The newest event that a screen reader announces; routine events of every epoch are left out. */
export function announcement(log: readonly LogEntry[]): string {
  return log.findLast(({ tone, kind }) => tone !== 'plain' || kind === 'phase' || kind === 'result')?.text ?? '';
}
