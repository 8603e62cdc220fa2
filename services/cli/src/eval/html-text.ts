import { escaped } from '../escaped.js';

/** A table; its cells are HTML. */
export function htmlTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`);
  const names = head.map((name) => `<th scope="col">${name}</th>`).join('');
  return `<div class="wide"><table><thead><tr>${names}</tr></thead><tbody>${cells.join('')}</tbody></table></div>`;
}

/** An image of a dataset. @param url without characters of HTML */
export function picture(url: string, description: string): string {
  return `<img src="${url}" alt="${escaped(description)}">`;
}
