/** 93784 is '1 d 2 h', 75 is '1 min 15 s': the two largest units. */
export function duration(seconds: number): string {
  const units = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const;
  let rest = Math.max(0, Math.round(seconds));
  const parts: string[] = [];
  for (const [size, name] of units) {
    const many = Math.floor(rest / size);
    rest -= many * size;
    if (many > 0) parts.push(`${many} ${name}`);
  }
  return parts.slice(0, 2).join(' ') || '0 s';
}

/** Milliseconds with three digits that count. */
export function milliseconds(value: number): string {
  if (value >= 1000) return `${(value / 1000).toFixed(value >= 10_000 ? 1 : 2)} s`;
  return `${value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)} ms`;
}

/** A number of a curve. */
export function value(number: number | undefined | null): string {
  if (number === undefined || number === null || !Number.isFinite(number)) return '–';
  const size = Math.abs(number);
  if (size !== 0 && (size < 0.001 || size >= 100_000)) return number.toExponential(2);
  return number.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : 4);
}

export function count(number: number): string {
  return number.toLocaleString('en').replaceAll(',', '\u202f');
}

/** Local date and time of an ISO 8601 time, without the year while it is this one; or only the time. */
export function moment(iso: string | undefined, dated = true): string {
  if (!iso) return '–';
  const time = new Date(iso);
  const clock = time.toLocaleTimeString('en-GB');
  if (!dated) return clock;
  const year = time.getFullYear() === new Date().getFullYear() ? {} : { year: 'numeric' as const };
  return `${time.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', ...year })}, ${clock}`;
}

/** With a capital letter and a full stop. */
export function sentence(text: string): string {
  if (text === '') return '';
  return `${text[0]?.toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}
