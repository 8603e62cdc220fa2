import type { Metric } from '@trikd/core/tasks/metric';
import { METRICS } from '@trikd/core/tasks/metrics';
import type { Row } from '../results-file.js';
import type { Finding, Interval, Outline, Sample } from '../statistics.js';

/** Everything that the reports of a study are made of. */
export interface StudyFacts {
  readonly name: string;
  /** Runs that have not ended. */
  readonly missing: number;
  readonly rows: readonly Row[];
  readonly findings: readonly Finding[];
  /** The metric that decides. */
  readonly primary: Metric;
  readonly outline: Outline;
  /** Training images by setting, where the spec says it. */
  readonly trainImages: Readonly<Record<string, number>>;
}

/** One table for each setting, in Markdown. */
export function studyTables(facts: StudyFacts): string {
  const { outline, findings, missing } = facts;
  const tables = outline.settings.flatMap((setting) => {
    const own = findings.filter((finding) => finding.setting === setting);
    return own.length === 0 ? [] : [`${setting === '' ? '' : `### ${setting}\n\n`}${table(facts, own)}`];
  });
  const open = missing === 0 ? [] : [notRun(facts)];
  return `${[...tables, ...open].join('\n\n')}\n`;
}

/** Which arms have no run at all, by setting: nobody should take what was not tried for what made no difference. */
function notRun({ outline, findings, missing }: StudyFacts): string {
  const absent = outline.settings.flatMap((setting) => {
    const present = new Set(findings.filter((each) => each.setting === setting).map(({ arm }) => arm));
    const arms = outline.arms.filter((arm) => !present.has(arm)).map((arm) => `\`${arm}\``);
    if (arms.length === 0) return [];
    const which = present.size === 0 ? 'all arms' : arms.join(', ');
    return [setting === '' ? which : `${setting}: ${which}`];
  });
  const count = `${missing} runs of the study have not been trained.`;
  return absent.length === 0 ? count : `${count} Not run at all: ${absent.join('; ')}.`;
}

function table({ primary, outline }: StudyFacts, findings: readonly Finding[]): string {
  const others = Object.keys(findings[0]!.test).filter((name) => name !== primary.name);
  const hasCalibrated = findings.some(({ calibrated }) => calibrated);
  const least = Math.min(...findings.map(({ compute }) => compute.mean));
  const head = [
    ...['arm', 'seeds', primary.label],
    ...outline.baselines.map((baseline) => `gain over ${baseline} [95 %], p`),
    ...others.map((name) => metricNamed(name).label),
    ...(hasCalibrated ? ['calibrated NLL', 'calibrated ECE'] : []),
    ...['train - test', 'compute', 'processor s'],
  ];
  const rows = findings.map((finding) => [
    ...[finding.arm, String(finding.seeds.length), spreadText(primary, finding.test[primary.name]!)],
    ...outline.baselines.map((baseline) => differenceText(primary, finding, baseline)),
    ...others.map((name) => spreadText(metricNamed(name), finding.test[name]!)),
    ...(hasCalibrated ? ['nll', 'ece'].map((name) => calibratedText(finding, name)) : []),
    spreadText(primary, finding.gap),
    `${(finding.compute.mean / least).toFixed(2)}`,
    finding.processorSeconds?.mean.toFixed(0) ?? '',
  ]);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

function calibratedText({ calibrated }: Finding, name: string): string {
  const sample = calibrated?.[name];
  return sample ? spreadText(metricNamed(name), sample) : '';
}

/** `0.71 [0.16, 1.25], p 0.02` */
function differenceText(metric: Metric, { differences }: Finding, baseline: string): string {
  const found = differences.find((each) => each.baseline === baseline);
  if (!found) return '';
  const { gain, t, p } = found;
  return [
    `${number(metric, gain.mean)}${t ? ` ${intervalText(metric, t)}` : ''}`,
    ...(p === undefined ? [] : [`p ${pText(p)}`]),
  ].join(', ');
}

/** `[0.16, 1.25]` */
export function intervalText(metric: Metric, [from, to]: Interval): string {
  return `[${number(metric, from)}, ${number(metric, to)}]`;
}

function pText(p: number): string {
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}

/** `81.37 ± 0.81` */
export function spreadText(metric: Metric, { count, mean, deviation }: Sample): string {
  return count > 1 ? `${number(metric, mean)} ± ${number(metric, deviation)}` : number(metric, mean);
}

/** A share in percent. */
function number({ format }: Metric, value: number): string {
  return format === 'share' ? (100 * value).toFixed(2) : value.toFixed(3);
}

export function metricNamed(name: string): Metric {
  return (
    METRICS.find((metric) => metric.name === name) ?? {
      name,
      title: name,
      label: name,
      better: 'higher',
      format: 'number',
    }
  );
}
