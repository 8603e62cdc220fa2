import Table from 'cli-table3';
import type { ConvolutionCost, KindCost, OpCosts } from './op-costs.js';

/** What is known of a participant after its steps. */
export interface ProfiledParticipant extends OpCosts {
  readonly name: string;
  /** Traced. */
  readonly steps: number;
  /** Median, in milliseconds. */
  readonly stepMs: number;
  /** Of one op. */
  readonly threads: number;
}

/** Kinds of ops below this share of the time are shown as one. */
const LEAST_SHARE = 0.01;

/** A profile, for people. @param trace path of the file */
export function profileText(participants: readonly ProfiledParticipant[], trace: string): string {
  return [...participants.flatMap(participantLines), `wrote ${trace}; open it at ui.perfetto.dev`].join('\n');
}

function participantLines({ name, stepMs, threads, ms, kinds, convolutions }: ProfiledParticipant): readonly string[] {
  const heading = `${name}: ${digits(stepMs)} ms a step, ${digits(ms)} ms of ops, ${threads} thread${threads === 1 ? '' : 's'} an op`;
  return [heading, kindTable(kinds), ...(convolutions.length > 0 ? [convolutionTable(convolutions)] : []), ''];
}

function kindTable(kinds: readonly KindCost[]): string {
  const table = tableOf(['kind of op', 'ops', 'ms', 'share'], ['left', 'right', 'right', 'right']);
  const small = kinds.filter(({ share }) => share < LEAST_SHARE);
  for (const { kind, count, ms, share } of kinds.filter((each) => each.share >= LEAST_SHARE)) {
    table.push([kind, count, digits(ms), percent(share)]);
  }
  if (small.length > 0) {
    const total = (key: 'count' | 'ms' | 'share') => small.reduce((all, each) => all + each[key], 0);
    table.push([`${small.length} other kinds`, total('count'), digits(total('ms')), percent(total('share'))]);
  }
  return table.toString();
}

function convolutionTable(convolutions: readonly ConvolutionCost[]): string {
  const table = tableOf(
    ['pass', 'input * filter', 'ops', 'ms', 'GFLOP/s', 'share'],
    ['left', 'left', 'right', 'right', 'right', 'right'],
  );
  for (const { pass, shape, count, ms, gflops, share } of convolutions) {
    table.push([pass, shape, count, digits(ms), gflops === undefined ? '' : gflops.toFixed(0), percent(share)]);
  }
  return table.toString();
}

function tableOf(head: string[], colAligns: ('left' | 'right')[]) {
  return new Table({ head, colAligns, style: { head: [], border: [], compact: true } });
}

const digits = (ms: number) => (ms < 10 ? ms.toFixed(2) : ms.toFixed(1));
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
