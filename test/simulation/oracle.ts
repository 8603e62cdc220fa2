import { blobsFolder, loadParams, saveParams } from '@trikd/core/checkpoint/blobs';
import type { Dataset } from '@trikd/core/data/split';
import { canonicalJson } from '@trikd/core/domain/canonical-json';
import type { BestParams } from '@trikd/core/domain/role-checkpoint';
import { runReference } from '@trikd/core/reference/reference';
import type { StageResult } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { reported } from '@trikd/testing/runs/reported';
import { datasetFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { type TrainedStep, toySessions } from '@trikd/testing/toy-model/toy-sessions';
import { specOf } from './specs.js';

/** The results that a run must end with under any faults. */
export interface Oracle {
  readonly spec: RunSpec;
  readonly dataset: Dataset;
  readonly results: readonly Verdict[];
  /** Whether the undisturbed run has a step with this start and these logits. */
  knows(step: TrainedStep): boolean;
}

/** What a stage came to, without the names of objects. */
export interface Verdict {
  /** The index of the stage. */
  readonly stage: number;
  readonly promoted: boolean;
  readonly steps: number;
  /** By name. */
  readonly learners: Readonly<Record<string, { readonly best: string; readonly state: string }>>;
  /** Scores of the frozen models, by name. */
  readonly frozen: string;
  /** The learner that could be promoted; absent where none could. */
  readonly candidate?: string;
}

/** How many specs there are. */
export const VARIANTS = 128;
const oracles = new Map<number, Promise<Oracle>>();

/** The oracle of one of the specs that are simulated; made once in a process. */
export function oracleOf(number: number): Promise<Oracle> {
  const variant = number % VARIANTS;
  const known = oracles.get(variant) ?? makeOracle(variant);
  oracles.set(variant, known);
  return known;
}

async function makeOracle(variant: number): Promise<Oracle> {
  const spec = specOf(variant);
  const dataset = datasetFor(spec);
  const store = memoryStore();
  const folder = blobsFolder({ runId: spec.name, stage: 0, attempt: 1 });
  const heard = new Map<string, number>();
  const keyOf = ({ stage, role, from }: TrainedStep) => `${stage} ${role} ${from}`;
  const run = runReference({
    spec,
    dataset,
    save: (params) => saveParams(store, folder, params),
    load: (blob) => loadParams(store, blob),
    // Nothing is late here, so the clock is not used.
    clock: { now: () => 0, sleep: () => new Promise(() => undefined) },
    sessions: toySessions({
      pause: async () => undefined,
      trained: (step) => heard.set(keyOf(step), step.heard),
    }),
  });
  const results: Verdict[] = [];
  for await (const result of run) results.push(verdictOf(reported(spec, result)));
  return { spec, dataset, results, knows: (step) => heard.get(keyOf(step)) === step.heard };
}

/** A stage as the state of a run keeps it, to compare. */
export function verdictOf(result: Omit<StageResult, 'pair'>): Verdict {
  const { stage, promoted, steps, learners, frozen = {}, candidate } = result;
  const named = Object.entries(learners).map(([name, { best, stateSha256 }]) => {
    return [name, { best: textOf(best), state: stateSha256 }] as const;
  });
  return {
    ...{ stage, promoted, steps, learners: Object.fromEntries(named), frozen: canonicalJson(frozen) },
    ...(candidate !== undefined && { candidate }),
  };
}

function textOf({ step, validation, test, params }: BestParams): string {
  return canonicalJson([step, validation, test ?? [], params.sha256, params.bytes]);
}
