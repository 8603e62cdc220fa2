import type { Score } from '@trikd/core/domain/score';
import { stringify } from 'yaml';
import type { Format } from './options.js';

/** A result for a program, or for a person who reads YAML. */
export function formatted(value: object, format: Exclude<Format, 'table'>): string {
  return format === 'json'
    ? JSON.stringify(value, undefined, 2)
    : stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd();
}

const UNITS = ['kB', 'MB', 'GB', 'TB', 'PB'];

/** A number of bytes with three digits: `12.3 MB`. */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  let rest = bytes;
  let unit = -1;
  while (rest >= 999.5 && unit < UNITS.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  return `${rest.toPrecision(3)} ${UNITS[unit]}`;
}

const AGES = [
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
] as const;

/** How long ago a time was: `3 hours`; empty when it is not known. */
export function age(time: string | undefined, now: Date): string {
  if (time === undefined) return '';
  const seconds = Math.max(0, Math.round((now.getTime() - Date.parse(time)) / 1000));
  const [unit, name] = AGES.find(([least]) => seconds >= least) ?? [1, 'second'];
  const count = Math.floor(seconds / unit);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}

/** An accuracy: `91.20 %`; empty when there is none. */
export function percent(score: Pick<Score, 'accuracy'> | undefined): string {
  return score ? `${(100 * score.accuracy).toFixed(2)} %` : '';
}

/** Names come from files: what would move the cursor or colour the terminal is written out. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (letter) => `\\u{${letter.codePointAt(0)?.toString(16)}}`);
}

/** A time to go: `1:02:03`, `2:03`. */
export function clock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  const two = (count: number) => String(count).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
