import { randomInt } from 'node:crypto';

/** Control characters, invisible ones, and those that change the direction of text. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Whether a text has characters other than line breaks that a terminal does not show as they are. */
export function hasUnprintable(text: string): boolean {
  return /[\p{Cf}\p{Zl}\p{Zp}]|(?!\n)\p{Cc}/u.test(text);
}

/** Replaces characters that would move the cursor, colour the terminal or reorder text by their escapes, such as `\u001b`. */
export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, escaped);
}

function escaped(character: string): string {
  return Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
  ).join('');
}

/** Unknown outside of this process, so that no text from elsewhere can pass for a style of ours. */
const MARK = `${randomInt(1000, 10_000)};${randomInt(1000, 10_000)}`;
const MARKED = new RegExp(`\u001b\\[${MARK};([\\d;]*m)`, 'g');

/** Marks the styles in a text as ours: {@link ownTextOnly} lets them pass. Terminals would ignore the mark. */
export function markStyles(styled: string): string {
  return styled.replaceAll('\u001b[', `\u001b[${MARK};`);
}

/** A text as it may be written to a terminal: line breaks and marked styles stay, all other controls become visible. */
export function ownTextOnly(text: string): string {
  return text
    .split(MARKED)
    .map((part, index) => (index % 2 === 1 ? `\u001b[${part}` : part.split('\n').map(printable).join('\n')))
    .join('');
}

/** Rows as CSV (RFC 4180), without the line break at its end. Absent values are empty. */
export function csv(rows: readonly (readonly (string | number | undefined)[])[]): string {
  return rows.map((row) => row.map(cell).join(',')).join('\n');
}

function cell(value: string | number | undefined): string {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Any text as text of HTML, also in an attribute. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
