import type { Metric } from '@trikd/core/tasks/metric';
import { measured } from '@trikd/core/tasks/metrics';
import { decisiveOf } from '@trikd/events/run-result';
import { type Run, RunPhase } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { bestIn } from './lineage-of.js';
import { namingOf } from './stages.js';

/** What a run has come to so far. */
export interface Headline {
  readonly title: 'Result' | 'Best so far' | 'Newest validation';
  /** The metric that decides. */
  readonly metric: Metric;
  readonly validation: number;
  /** Absent where it was not measured. */
  readonly test?: number;
  /** `student of generation 2` */
  readonly model: string;
  /** The other learner of the stage, with its value on the validation split. */
  readonly peer?: { readonly name: string; readonly validation: number };
}

/** The result of a run, or what comes closest to it; undefined before the first validation. */
export function headlineOf(run: Run): Headline | undefined {
  return resultOf(run) ?? newestOf(run);
}

function resultOf(run: Run): Headline | undefined {
  const best = run.generations.find(({ generation }) => generation === bestIn(run));
  if (!best) return undefined;
  const decisive = decisiveOf(best, run);
  const scoreOf = (name: string) => best.learners.find(({ participant }) => participant === name)?.best;
  const score = scoreOf(decisive);
  const [first] = measured(score?.validation?.metrics ?? {});
  if (!first) return undefined;
  const { name } = first.metric;
  const test = score?.test?.metrics[name];
  const other = best.learners.find(({ participant }) => participant !== decisive);
  const beside = other?.best?.validation?.metrics[name];
  return {
    title: run.phase === RunPhase.RUN_PHASE_COMPLETED ? 'Result' : 'Best so far',
    metric: first.metric,
    validation: first.value,
    ...(test !== undefined && { test }),
    model: `${decisive} of ${namingOf(run).title(best.generation)}`,
    ...(other && beside !== undefined && { peer: { name: other.participant, validation: beside } }),
  };
}

function newestOf(run: Run): Headline | undefined {
  const decisive = run.stage?.decisive ?? 'student';
  const evaluations = run.progress?.evaluations ?? [];
  const newest = evaluations.find(({ participant }) => participant === decisive)?.evaluation;
  const [first] = measured(newest?.validation?.metrics ?? {});
  if (!first) return undefined;
  const model = `${decisive} of ${namingOf(run).title(run.generation)}, step ${newest?.step}`;
  return { title: 'Newest validation', metric: first.metric, validation: first.value, model };
}
