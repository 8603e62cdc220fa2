import { blobsFolder, loadParams, saveParams } from '@trikd/core/checkpoint/blobs';
import type { Dataset } from '@trikd/core/data/split';
import { canonicalJson } from '@trikd/core/domain/canonical-json';
import { TrikdError } from '@trikd/core/domain/errors';
import type { BestParams } from '@trikd/core/domain/role-checkpoint';
import { type ReferenceResult, runReference } from '@trikd/core/reference/reference';
import type { GenerationResult } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { datasetFor, specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { type TrainedStep, toySessions } from '@trikd/testing/toy-model/toy-sessions';
import { chanceOf } from './chance.js';

/** The results that a run must end with under any faults. */
export interface Oracle {
  readonly spec: RunSpec;
  readonly dataset: Dataset;
  readonly results: readonly Verdict[];
  /** Whether the undisturbed run has a step with this start and these logits. */
  knows(step: TrainedStep): boolean;
}

/** One generation, without the names of objects. */
export interface Verdict {
  readonly generation: number;
  readonly promoted: boolean;
  readonly steps: number;
  readonly student: string;
  readonly teacher: string;
  readonly studentState: string;
  readonly teacherState: string;
  readonly anchor: string;
}

const VARIANTS = 64;
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
  const folder = blobsFolder({ runId: spec.name, generation: 0, attempt: 1 });
  const heard = new Map<string, number>();
  const keyOf = ({ generation, role, from }: TrainedStep) => `${generation} ${role} ${from}`;
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
  try {
    for await (const result of run) results.push(verdictOf(asReported(result)));
  } catch (error) {
    // By chance its first student is no better than chance: such a run has no end to compare.
    if (error instanceof TrikdError && error.kind === 'diverged') return makeOracle(variant + VARIANTS);
    throw error;
  }
  return { spec, dataset, results, knows: (step) => heard.get(keyOf(step)) === step.heard };
}

/** Two or three generations of 8 to 12 steps. */
function specOf(variant: number): RunSpec {
  const chance = chanceOf(variant + 1);
  const from = (source: 'anchor' | 'peer') => ({ kind: 'distillation' as const, from: source });
  const task = { kind: 'task' as const };
  const both = [task, from('anchor'), from('peer')];
  return specFor('bare', {
    name: 'simulated',
    seed: variant,
    data: { kind: 'synthetic', height: 4, width: 4, classes: 3, train: 16, validation: 12, test: 4 },
    augment: { crop: chance.below(2), flip: chance.happens(0.5), cutout: 0 },
    batchSize: 4,
    epochs: chance.pick([2, 3]),
    warmupSteps: 2,
    student: { objective: both },
    teacher: { objective: chance.pick([both, both, [task, from('peer')], [task, from('anchor')]]) },
    checkpoint: {
      everyEpochs: chance.pick([1, 1, 2]),
      everySteps: chance.pick([undefined, undefined, undefined, 3]),
      everySeconds: chance.pick([undefined, undefined, undefined, 0.3]),
    },
    convergence: { patience: chance.pick([0, 0, 1, 2]) },
    curriculum: {
      generations: chance.pick([2, 2, 3]),
      patience: chance.pick([0, 0, 1]),
      promotion: chance.pick(['always', 'if-better']),
    },
    exchange: { window: 1 + chance.below(4), stepTimeout: chance.pick([3, 10]) },
  });
}

/** A generation as the state of a run keeps it, to compare. */
export function verdictOf(
  result: Omit<GenerationResult, 'anchorScores' | 'pair'> & Pick<Partial<GenerationResult>, 'anchorScores'>,
): Verdict {
  const { generation, promoted, steps, student, teacher, studentStateSha256, teacherStateSha256, anchorScores } =
    result;
  return {
    generation,
    promoted,
    steps,
    student: textOf(student),
    teacher: textOf(teacher),
    studentState: studentStateSha256,
    teacherState: teacherStateSha256,
    anchor: canonicalJson(anchorScores ?? []),
  };
}

function textOf({ step, validation, test, params }: BestParams): string {
  return canonicalJson([step, validation, test ?? [], params.sha256, params.bytes]);
}

function asReported({ generation, promoted, steps, student, teacher, anchor }: ReferenceResult) {
  return {
    generation,
    promoted,
    steps,
    student: student.best!,
    teacher: teacher.best!,
    studentStateSha256: student.state.sha256,
    teacherStateSha256: teacher.state.sha256,
    ...(anchor && { anchorScores: anchor }),
  };
}
