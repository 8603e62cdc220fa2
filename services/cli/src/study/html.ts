import { escaped } from '../escaped.js';
import { metricNamed, type StudyFacts, studyTables } from './markdown.js';
import { page } from './page.js';
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
