import type { LogEntry } from '@trikd/events/log';

/** The last thing worth saying aloud: what every epoch brings is not. */
export function announcement(log: readonly LogEntry[]): string {
  return log.findLast(({ tone, kind }) => tone !== 'plain' || kind === 'run' || kind === 'result')?.text ?? '';
}
