/** A duration in its two largest units: 93784 is '1 d 2 h', 75 is '1 min 15 s'. */
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

/** Milliseconds with three significant digits. */
export function milliseconds(value: number): string {
  if (value >= 1000) return `${(value / 1000).toFixed(value >= 10_000 ? 1 : 2)} s`;
  return `${value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)} ms`;
}

/** A value of a curve; large and small ones as powers of ten, such as 1.36e19. */
export function value(number: number | undefined | null): string {
  if (number === undefined || number === null || !Number.isFinite(number)) return '–';
  const size = Math.abs(number);
  if (size !== 0 && (size < 0.001 || size >= 100_000)) return number.toExponential(2).replace('e+', 'e');
  return number.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : 4);
}

/** A whole number with its thousands apart. */
export function count(number: number): string {
  return number.toLocaleString('en').replaceAll(',', '\u202f');
}

/** An ISO 8601 time as local date and time, without the current year; or the time alone. */
export function moment(iso: string | undefined, dated = true): string {
  if (!iso) return '–';
  const time = new Date(iso);
  const clock = time.toLocaleTimeString('en-GB');
  if (!dated) return clock;
  const year = time.getFullYear() === new Date().getFullYear() ? {} : { year: 'numeric' as const };
  return `${time.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', ...year })}, ${clock}`;
}

/** A text with a capital letter. */
export function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

/** A text with a capital letter and a full stop. */
export function sentence(text: string): string {
  if (text === '') return '';
  return `${capital(text)}${/[.!?]$/.test(text) ? '' : '.'}`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A size with three significant digits: 642_000_000 is `612 MiB`. */
export function bytes(size: number): string {
  let [value, unit] = [size, 0];
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value.toFixed(0) : Number(value.toPrecision(3))} ${UNITS[unit]}`;
}
