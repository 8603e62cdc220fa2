import { chosenMethod } from '../methods/registry.js';
import { networkText } from '../models/network-text.js';
import type { RunSpec } from '../spec/run-spec.js';
import { stagesOf } from '../stages/stages-of.js';
import { metricIn } from '../tasks/metric.js';
import { taskOf } from '../tasks/task-of.js';
import { currentStage } from './current-stage.js';
import type { Owner } from './placement.js';
import { bestStage } from './promotion.js';
import type { RunTimes } from './run-event.js';
import type { RunState } from './state.js';
import { shortened } from './state.js';
import type { SavedRun } from './stored/run-store.js';

/** Characters of the message of a summary, at most. */
export const LONGEST_MESSAGE = 400;

/** The network of a learner. */
export interface LearnerNetwork {
  /** The learner, by its name in the stages. */
  readonly participant: string;
  /** `resnet, depth 8, width 16` */
  readonly network: string;
}

/** The score of the learner that is the result of a run so far. */
export interface RunResult {
  readonly participant: string;
  /** Index of the stage. */
  readonly stage: number;
  /** Name of the metric that decides. */
  readonly metric: string;
  readonly validation: number;
  /** Only reported. Absent for a run that has not scored it. */
  readonly test?: number;
}

/** What is needed to find a run among others and to compare it with them. */
export interface RunSummary {
  readonly runId: string;
  readonly phase: RunState['phase'];
  /** Index of the current stage, or of the last one. */
  readonly stage: number;
  /** Its name. */
  readonly stageName: string;
  /** `own stages` for a run whose spec lists its stages. */
  readonly method: string;
  readonly seed: number;
  readonly networks: readonly LearnerNetwork[];
  /** Absent before there is a result. */
  readonly result?: RunResult;
  /** Why the run failed; absent for others. */
  readonly failure?: string;
  readonly times: Pick<RunTimes, 'created' | 'started' | 'updated' | 'ended'>;
  readonly owner?: Owner;
  /** Sorted. */
  readonly tags: readonly string[];
}

/** The summary of a stored run. */
export function summaryOf(
  { spec, state, times, owner }: Pick<SavedRun, 'spec' | 'state' | 'times' | 'owner'>,
  tags: readonly string[],
): RunSummary {
  const { changed: _, ...moments } = times;
  const result = resultOf(spec, state);
  return {
    runId: spec.name,
    phase: state.phase,
    stage: state.stage,
    stageName: currentStage(spec, state).name,
    method: methodName(spec),
    seed: spec.seed,
    networks: networksOf(spec),
    ...(result && { result }),
    ...(state.phase === 'failed' && { failure: shortened(state.reason, LONGEST_MESSAGE) }),
    times: moments,
    ...(owner && { owner }),
    tags,
  };
}

/** The name of the method; `own stages` for a run whose spec lists its stages. */
export function methodName({ stages, method }: RunSpec): string {
  return stages ? 'own stages' : chosenMethod(method).knobs.kind;
}

/** The score of the learner that is the result of the run so far; undefined before there is one. */
export function resultOf(spec: RunSpec, state: RunState): RunResult | undefined {
  const stage = bestStage(state.results, spec);
  const decisive = stage === undefined ? undefined : stagesOf(spec)[stage]?.decisive;
  if (stage === undefined || decisive === undefined) return undefined;
  const best = state.results[stage]?.learners[decisive]?.best;
  if (!best) return undefined;
  const { primary } = taskOf(spec);
  return {
    ...{ participant: decisive, stage, metric: primary.name },
    validation: metricIn(best.validation, primary),
    ...(best.test && { test: metricIn(best.test, primary) }),
  };
}

/** The network of each learner, as it is in the last stage in which it learns. */
function networksOf(spec: RunSpec): readonly LearnerNetwork[] {
  const learners = stagesOf(spec).flatMap((stage) => stage.learners);
  const networks = new Map(learners.map(({ name, model }) => [name, networkText(model)]));
  return [...networks].map(([participant, network]) => ({ participant, network }));
}
