import type { Metric } from '@trikd/core/tasks/metric';
import { METRICS } from '@trikd/core/tasks/metrics';
import { hasEnded, metricText, phaseName } from '@trikd/events/names';
import { ownerText } from '@trikd/events/queue';
import type { RunSummary } from '@trikd/protocol/gen/browser/trikd/v1/run';
import type { Column, ListState } from './list-state.js';

/** The runs that a list shows. */
export interface ShownRuns {
  /** Those of the page. */
  readonly rows: readonly RunSummary[];
  /** Index of the first of them among those that fit. */
  readonly first: number;
  /** Number of runs that fit. */
  readonly fitting: number;
  readonly pages: number;
  /** The page that is shown: the last one, if there are fewer than the state names. */
  readonly page: number;
}

/** Rows of a page. */
export const PAGE_SIZE = 50;

const ACTIVE = ['queued', 'preparing', 'training', 'promoting'];

/** The runs that a state shows. @param now for the duration of runs that go on, in milliseconds since 1970 */
export function shownRuns(runs: readonly RunSummary[], state: ListState, now: number): ShownRuns {
  const words = state.search.toLowerCase().split(/\s+/).filter(Boolean);
  const fitting = runs.filter((run) => fits(run, state) && words.every((word) => textOf(run).includes(word)));
  const pages = Math.max(1, Math.ceil(fitting.length / PAGE_SIZE));
  const page = Math.min(state.page, pages - 1);
  const first = page * PAGE_SIZE;
  const rows = inOrder(fitting, state, now).slice(first, first + PAGE_SIZE);
  return { rows, first, fitting: fitting.length, pages, page };
}

function fits(run: RunSummary, { phase, method, tag }: ListState): boolean {
  const name = phaseName(run.phase);
  if (phase === 'active' ? !ACTIVE.includes(name) : phase !== '' && phase !== name) return false;
  return (method === '' || method === run.method) && (tag === '' || run.tags.includes(tag));
}

/** What is searched of a run. */
function textOf({ runId, method, tags, owner, networks }: RunSummary): string {
  return [runId, method, ...tags, ownerText(owner), ...networks.map(({ network }) => network)].join('\n').toLowerCase();
}

/** Numbers in names count as numbers: `lr-5` comes before `lr-45`. */
const collator = new Intl.Collator('en', { numeric: true });

function inOrder(runs: readonly RunSummary[], { sort, descending }: ListState, now: number): readonly RunSummary[] {
  const keyed = runs.map((run) => ({ run, key: keyOf(run, sort, now) }));
  const sign = descending ? -1 : 1;
  return keyed
    .sort((a, b) => {
      // What is not known comes last in both directions.
      if (a.key === undefined || b.key === undefined) {
        if (a.key !== b.key) return a.key === undefined ? 1 : -1;
      } else {
        const order = typeof a.key === 'number' ? a.key - Number(b.key) : collator.compare(a.key, String(b.key));
        if (order !== 0) return sign * order;
      }
      return collator.compare(a.run.runId, b.run.runId);
    })
    .map(({ run }) => run);
}

function keyOf(run: RunSummary, column: Column, now: number): string | number | undefined {
  switch (column) {
    case 'name':
      return run.runId;
    case 'phase':
      return phaseName(run.phase);
    case 'validation':
      return run.result?.validation;
    case 'test':
      return run.result?.test;
    case 'method':
      return run.method;
    case 'network':
      return networkOf(run);
    case 'seed':
      return run.seed;
    case 'owner':
      return ownerText(run.owner) || undefined;
    case 'created':
      return run.createTime === undefined ? undefined : Date.parse(run.createTime);
    case 'duration':
      return secondsOf(run, now);
  }
}

/** The network of the student, or of the learner that comes last. */
export function networkOf({ networks }: RunSummary): string | undefined {
  return (networks.find(({ participant }) => participant === 'student') ?? networks.at(-1))?.network;
}

/** From the first trio of a run, or from its creation where that is not known, to its end or until now; undefined before it has started. */
export function secondsOf(
  { startTime, createTime, endTime, updateTime, phase }: RunSummary,
  now: number,
): number | undefined {
  const from = startTime ?? createTime;
  if (from === undefined || phaseName(phase) === 'queued') return undefined;
  const rests = ['waiting', 'paused'].includes(phaseName(phase)) ? updateTime : undefined;
  const to = endTime ?? rests;
  if (to === undefined && hasEnded(phase)) return undefined;
  return Math.max(0, (to === undefined ? now : Date.parse(to)) - Date.parse(from)) / 1000;
}

/** A value of the result of a run, as its metric is shown; undefined where there is none. */
export function resultText({ result }: RunSummary, split: 'validation' | 'test'): string | undefined {
  const value = result?.[split];
  if (!result || value === undefined) return undefined;
  const metric = METRICS.find(({ name }) => name === result.metric);
  return metric ? metricText(metric, value) : String(value);
}

/** The metric of the results of all runs; undefined if they have several, or none. */
export function commonMetric(runs: readonly RunSummary[]): Metric | undefined {
  const names = new Set(runs.flatMap(({ result }) => (result ? [result.metric] : [])));
  const [only, ...others] = METRICS.filter(({ name }) => names.has(name));
  return others.length === 0 ? only : undefined;
}

/** The values that runs can be filtered by, each once. */
export interface FilterValues {
  readonly phases: readonly string[];
  readonly methods: readonly string[];
  readonly tags: readonly string[];
}

export function filterValues(runs: readonly RunSummary[]): FilterValues {
  const each = (values: readonly string[]) => [...new Set(values)].sort(collator.compare);
  return {
    phases: each(runs.map(({ phase }) => phaseName(phase))),
    methods: each(runs.map(({ method }) => method)),
    tags: each(runs.flatMap(({ tags }) => tags)),
  };
}
