import { stringify } from 'yaml';
import type { Format } from '../options/options.js';
import { hasUnprintable } from './printable.js';

/** A result as JSON or YAML. It means the same after its unprintable characters were escaped, as every output is. */
export function formatted(value: object, format: Exclude<Format, 'table'>): string {
  return format === 'json' ? JSON.stringify(value, undefined, 2) : yaml(value);
}

/** YAML without the line break at its end. Escapes have a meaning only in double quotes. */
export function yaml(value: unknown): string {
  const options = { lineWidth: 0, aliasDuplicateObjects: false };
  const text = stringify(value, options).trimEnd();
  return hasUnprintable(text) ? stringify(value, { ...options, defaultStringType: 'QUOTE_DOUBLE' }).trimEnd() : text;
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

/** The age of a time: `3 hours`; empty without a time. */
export function age(time: string | undefined, now: Date): string {
  if (time === undefined) return '';
  const seconds = Math.max(0, Math.round((now.getTime() - Date.parse(time)) / 1000));
  const [unit, name] = AGES.find(([least]) => seconds >= least) ?? [1, 'second'];
  const count = Math.floor(seconds / unit);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}

/** A duration: `1:02:03`, `2:03`. */
export function clock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  const two = (count: number) => String(count).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
