import { escapeHtml as escaped } from '../../../terminal/printable.js';
import { PLOT_STYLE } from './draw.js';
import { metricNamed, type StudyFacts, studyTables } from './markdown.js';
import { computePlot, gapPlot, intervalPlot } from './plots.js';

const NOTES = [
  'Each value is of the test split, for the params that validated best; nothing was selected by it. Mean ± standard deviation over the seeds.',
  'A gain is the mean paired difference over common seeds, with its 95 % interval by Student’s t, and p after Holm’s correction within the column.',
  'Bars of the first plot are 95 % intervals of the mean; those of the others are standard errors.',
  'Compute counts multiplications with an addition of all forward and backward passes in training, of every model that takes part; the table has it relative to the cheapest arm. Validation is not counted.',
  'Calibrated values divide the logits by the temperature with the lowest NLL on the validation split.',
];

/** The report of a study: one page of HTML that needs nothing else. */
export function studyPage(facts: StudyFacts): string {
  const { name, findings, rows, outline, primary } = facts;
  const sections = outline.settings.flatMap((setting) => {
    const own = findings.filter((finding) => finding.setting === setting);
    if (own.length === 0) return [];
    const hasNll = own[0]!.test['nll'] !== undefined && primary.name !== 'nll';
    return [
      ...(setting === '' ? [] : [`<h2>${escaped(setting)}</h2>`]),
      intervalPlot(own, rows, primary),
      ...(hasNll ? [intervalPlot(own, rows, metricNamed('nll'))] : []),
      computePlot(own, primary),
      `<div class="scroll">${tableOf(studyTables({ ...facts, missing: 0, findings: own }))}</div>`,
    ];
  });
  const gap = gapPlot(facts);
  const body = [
    `<h1>Study ${escaped(name)}</h1>`,
    ...sections,
    ...(gap === undefined ? [] : ['<h2>Overfitting</h2>', gap]),
    '<h2>How to read this</h2>',
    `<ul>${NOTES.map((note) => `<li>${note}</li>`).join('')}</ul>`,
    runsTable(facts),
  ];
  return page(`Study ${name}`, body);
}

/** The table of a Markdown text. */
function tableOf(markdown: string): string {
  const lines = markdown.split('\n').filter((line) => line.startsWith('|') && !line.startsWith('| ---'));
  const row = (line: string, tag: string) =>
    `<tr>${line
      .slice(2, -2)
      .split(' | ')
      .map((cell) => `<${tag}>${escaped(cell)}</${tag}>`)
      .join('')}</tr>`;
  const [head = '', ...rest] = lines;
  return `<table><thead>${row(head, 'th')}</thead><tbody>${rest.map((line) => row(line, 'td')).join('')}</tbody></table>`;
}

/** Every run, with the digest that repeats it. */
function runsTable({ rows, primary }: StudyFacts): string {
  const lines = rows.map(({ setting, arm, seed, digest, result, version, numerics }) => {
    const cells = [
      setting,
      arm,
      String(seed),
      result.test[primary.name]!.toFixed(4),
      digest.slice(0, 16),
      version,
      numerics,
    ];
    return `<tr>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`;
  });
  const names = ['setting', 'arm', 'seed', `test ${primary.label}`, 'digest of the spec', 'version', 'computed by'];
  const head = `<tr>${names.map((each) => `<th>${escaped(each)}</th>`).join('')}</tr>`;
  return `<details><summary>All runs</summary><div class="scroll"><table>${head}${lines.join('')}</table></div></details>`;
}

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
