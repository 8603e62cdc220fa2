import { escaped } from '../escaped.js';
import { PLOT_STYLE } from './draw.js';

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2330; --paper: #ffffff; --faint: #d9dee6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e8f0; --paper: #14181f; --faint: #333c4a; } }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
th, td { padding: 0.3rem 0.8rem 0.3rem 0; border-bottom: 1px solid var(--faint); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
svg { width: 100%; max-width: 54rem; height: auto; }
${PLOT_STYLE}`;

/** A page with tables and plots that needs nothing else. @param body sections of HTML */
export function page(title: string, body: readonly string[]): string {
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${STYLE}</style>`;
  return `<!doctype html><html lang="en"><head>${head}</head><body>${body.join('\n')}</body></html>\n`;
}
