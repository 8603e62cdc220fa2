import type { TaskDetails } from '@trikd/core/tasks/task-details';
import { escaped } from '../escaped.js';
import { classSection } from './html-classes.js';
import { pairSection } from './html-pairs.js';

/** A model on a split. */
export interface EvaluatedSection {
  /** Such as `student on test`. */
  readonly title: string;
  /** Which params they are, and the scores. */
  readonly facts: readonly string[];
  readonly details: TaskDetails;
  /** URL of an image of the split. */
  readonly picture: (index: number) => string;
}

export interface EvaluatedPage {
  readonly runId: string;
  readonly classNames: readonly string[] | undefined;
  readonly sections: readonly EvaluatedSection[];
}

/** Nothing is loaded and nothing is executed, whatever names classes have. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

const STYLE = `
:root { color-scheme: light dark; --text: #1c1e21; --quiet: #667; --ground: #fff; --line: #dde; --main: #2463b4; --other: #c2571a; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e7ea; --quiet: #99a; --ground: #16181c; --line: #334; --main: #6ea8f0; --other: #f0955a; }
}
body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; font: 15px/1.45 system-ui, sans-serif; color: var(--text); background: var(--ground); }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1rem; }
p.facts { color: var(--quiet); } .wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.6rem; text-align: right; border-bottom: 1px solid var(--line); font-weight: normal; white-space: nowrap; }
th { color: var(--quiet); } th:first-child, td:first-child { text-align: left; }
table.matrix td { min-width: 2rem; text-align: center; } table.matrix th { text-align: center; }
.side { display: flex; flex-wrap: wrap; gap: 2rem; align-items: flex-start; }
svg { max-width: 100%; height: auto; } svg text { font-size: 11px; fill: var(--quiet); } svg .grid { stroke: var(--line); }
svg .main { fill: var(--main); fill-opacity: 0.75; } svg .other { fill: var(--other); fill-opacity: 0.6; }
svg polyline { fill: none; stroke: var(--main); stroke-width: 2; } svg polyline.even { stroke: var(--quiet); stroke-width: 1; stroke-dasharray: 4 4; }
ul.pictures { display: flex; flex-wrap: wrap; gap: 1rem; padding: 0; list-style: none; }
ul.pictures li { width: 9rem; font-size: 13px; } ul.pictures li.pair { width: 14rem; }
ul.pictures img { width: 6rem; height: 6rem; object-fit: contain; image-rendering: pixelated; border: 1px solid var(--line); }
`;

/** An evaluation as a page of HTML that needs nothing else. */
export function evaluatedPage({ runId, classNames, sections }: EvaluatedPage): string {
  const title = `Evaluation of ${escaped(runId)}`;
  const parts = sections.map((section) => {
    const facts = section.facts.map((fact) => `<p class="facts">${escaped(fact)}</p>`).join('');
    return `<section><h2>${escaped(section.title)}</h2>${facts}${contentOf(section, classNames)}</section>`;
  });
  return (
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="content-security-policy" content="${POLICY}">` +
    `<meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${STYLE}</style></head>` +
    `<body><h1>${title}</h1>${parts.join('')}</body></html>\n`
  );
}

function contentOf({ details, picture }: EvaluatedSection, classNames: EvaluatedPage['classNames']): string {
  return details.kind === 'classes' ? classSection(details, classNames, picture) : pairSection(details, picture);
}
