import { isPhase, type Verb, verbsOf } from '@trikd/core/run/verbs';
import type { StageRef } from '@trikd/core/stages/origin';
import type { Stage } from '@trikd/core/stages/stage';
import type { Metric } from '@trikd/core/tasks/metric';
import { measured } from '@trikd/core/tasks/metrics';
import { decisiveOf } from '@trikd/events/compare-runs';
import { hasEnded, phaseName } from '@trikd/events/names';
import type { StageHistory } from '@trikd/events/run-history';
import type { Score } from '@trikd/protocol/gen/browser/trikd/v1/common';
import { AnchorMoveKind, type Run, RunPhase, type StageResult } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { isNumbered, namingOf, stageIn, stagesIn } from './stages.js';

/** Where the params of a model come from. */
export interface Origin {
  readonly learner: string;
  /** Index of its stage. */
  readonly stage: number;
  readonly at: StageRef['at'];
}

/** A model that a stage does not start from fresh params. */
export interface Heir {
  readonly name: string;
  /** Absent where it is not known. */
  readonly from?: Origin;
}

type Scores = Readonly<Record<string, Score>>;

/** One stage in the lineage of a run. */
export interface Ancestor {
  /** Index of the stage. */
  readonly stage: number;
  readonly state: 'ended' | 'current';
  readonly learners: readonly string[];
  readonly frozen: readonly Heir[];
  /** Learners that go on from params of an earlier stage. */
  readonly continued: readonly Heir[];
  /** Of learners and frozen models by name, on the validation split. */
  readonly validation: Scores;
  /** On the test split, which is only reported. */
  readonly test: Scores;
  readonly steps?: number;
  /** Whether it makes a candidate for the anchor. */
  readonly promotes: boolean;
  /** How its candidate became the anchor most recently. */
  readonly became?: 'rule' | 'override' | 'rollback';
  /** Its candidate is the anchor now. */
  readonly isAnchor: boolean;
  /** The result of the run so far is one of its learners. */
  readonly isBest: boolean;
  /** Whether the next stage uses one of its learners. */
  readonly leadsOn: boolean;
  readonly canPromote: boolean;
  readonly canRollBack: boolean;
}

/** The stages of a run that have begun, with their scores, the origin of their models, and what became of their candidates. */
export function lineageOf(run: Run, stages: readonly StageHistory[] = []): readonly Ancestor[] {
  const ended = run.stages.map((result) => endedOf(run, result));
  const last = run.stages.at(-1)?.stage ?? -1;
  return run.stage > last && !hasEnded(run.phase) ? [...ended, currentOf(run, stages)] : ended;
}

function endedOf(run: Run, result: StageResult): Ancestor {
  const { stage, learners, frozen, steps, candidate } = result;
  const verbs = possibleVerbs(run);
  const became = lastMove(run, stage) ?? (result.promoted ? 'rule' : undefined);
  const isAnchor = presentAnchor(run) === stage;
  const promotes = candidate !== '';
  const scores = (split: 'validation' | 'test') =>
    known([
      ...learners.map(({ participant, best }) => [participant, best?.[split]] as const),
      ...frozen.map((model) => [model.participant, model[split]] as const),
    ]);
  return {
    stage,
    state: 'ended',
    ...modelsIn(run, stage, anchorIn(run, stage)),
    validation: scores('validation'),
    test: scores('test'),
    steps,
    promotes,
    ...(became && { became }),
    isAnchor,
    isBest: bestIn(run) === stage,
    canPromote: verbs.includes('promoted') && promotes && !isAnchor && became === undefined,
    canRollBack: verbs.includes('rolled-back') && !isAnchor && became !== undefined,
  };
}

function currentOf(run: Run, stages: readonly StageHistory[]): Ancestor {
  const history = stages.find(({ stage }) => stage === run.stage);
  const newest = (learner: string): Score | undefined => {
    const values = history?.learners[learner]?.validation.points.at(-1)?.values;
    if (values) return { metrics: values, examples: 0 };
    return run.progress?.evaluations.find(({ participant }) => participant === learner)?.evaluation?.validation;
  };
  const models = modelsIn(run, run.stage, run.anchor?.stage);
  const frozen = (split: 'validation' | 'test') =>
    models.frozen.map(({ name, from }) => [name, from && scoreOf(run, from, split)] as const);
  return {
    stage: run.stage,
    state: 'current',
    ...models,
    validation: known([...models.learners.map((name) => [name, newest(name)] as const), ...frozen('validation')]),
    test: known(frozen('test')),
    promotes: stagesIn(run.spec)[run.stage]?.promotes ?? isNumbered(stageIn(run, run.stage).name),
    isAnchor: false,
    isBest: false,
    canPromote: false,
    canRollBack: false,
  };
}

/** The score of params of an earlier stage: as the anchor-server has it, or as they had when they were trained. */
function scoreOf({ anchor, stages }: Run, from: Origin, split: 'validation' | 'test'): Score | undefined {
  if (anchor?.stage === from.stage && anchor[split]) return anchor[split];
  if (from.at !== 'best') return undefined;
  const result = stages.find(({ stage }) => stage === from.stage);
  return result?.learners.find(({ participant }) => participant === from.learner)?.best?.[split];
}

/** The models of a stage, with their origins as far as the spec says them. @param anchor the stage whose candidate is its anchor */
function modelsIn(run: Run, index: number, anchor: number | undefined) {
  const { learners, frozen } = stageIn(run, index);
  const stages = stagesIn(run.spec);
  const planned = stages[index];
  const promoted = anchor === undefined ? undefined : originOfAnchor(run, anchor);
  const origin = ({ stage, participant, at }: StageRef): Origin => ({
    learner: participant,
    stage: stages.findIndex(({ name }) => name === stage),
    at,
  });
  if (!planned) {
    const names = [...new Set([...frozen, ...(promoted ? [ANCHOR] : [])])];
    const heirs = names.map((name): Heir => ({ name, ...(promoted && name === ANCHOR && { from: promoted }) }));
    return { learners, frozen: heirs, continued: [], leadsOn: true };
  }
  return {
    learners,
    frozen: planned.frozen.flatMap(({ name, from }): readonly Heir[] => {
      if (from !== 'promoted') return [{ name, ...(from.kind === 'stage' && { from: origin(from) }) }];
      return promoted ? [{ name, from: promoted }] : [];
    }),
    continued: planned.learners.flatMap(({ name, init }) =>
      init === 'fresh' ? [] : [{ name, ...(init.kind === 'stage' && { from: origin(init) }) }],
    ),
    leadsOn: usesModelOf(planned, stages[index + 1]),
  };
}

/** Its name where the spec is not known. */
const ANCHOR = 'anchor';

function originOfAnchor({ stages }: Run, anchor: number): Origin {
  const candidate = stages.find(({ stage }) => stage === anchor)?.candidate;
  return { learner: candidate || 'student', stage: anchor, at: 'best' };
}

function usesModelOf(stage: Stage, later: Stage | undefined): boolean {
  const origins = [
    ...(later?.frozen ?? []).map(({ from }) => from),
    ...(later?.learners ?? []).map(({ init }) => init),
  ];
  return origins.some((from) =>
    typeof from === 'object'
      ? from.kind === 'stage' && from.stage === stage.name
      : from === 'promoted' && stage.promotes,
  );
}

/** The stage with the result of a run so far: of generations the best one, otherwise the last stage of all. */
function bestIn(run: Run): number | undefined {
  const { phase, stages, bestStage } = run;
  const best = stages.find(({ stage }) => stage === bestStage);
  if (!best) return undefined;
  const { name } = stageIn(run, bestStage);
  // The message has 0 where there is none.
  return isNumbered(name) || phase === RunPhase.RUN_PHASE_COMPLETED ? bestStage : undefined;
}

/** The generation whose student is the anchor now, or in the next generation. */
export function presentAnchor({ anchor, anchorMoves, stages }: Run): number | undefined {
  return anchorMoves.at(-1)?.stage ?? anchor?.stage ?? stages.findLast(({ promoted }) => promoted)?.stage;
}

/** The rule moves the anchor for the next generation; a move by hand applies to the current one. */
function anchorIn(run: Run, stage: number): number | undefined {
  const rule = AnchorMoveKind.ANCHOR_MOVE_KIND_RULE;
  const move = run.anchorMoves.findLast(({ kind, during }) => (kind === rule ? during < stage : during <= stage));
  if (move || run.anchorMoves.length > 0) return move?.stage;
  return run.stages.findLast((each) => each.promoted && each.stage < stage)?.stage;
}

function lastMove({ anchorMoves }: Run, stage: number): Ancestor['became'] {
  const move = anchorMoves.findLast((each) => each.stage === stage);
  if (!move) return undefined;
  if (move.kind === AnchorMoveKind.ANCHOR_MOVE_KIND_ROLLBACK) return 'rollback';
  return move.kind === AnchorMoveKind.ANCHOR_MOVE_KIND_OVERRIDE ? 'override' : 'rule';
}

function known(scores: readonly (readonly [string, Score | undefined])[]): Scores {
  return Object.fromEntries(scores.flatMap(([name, score]) => (score ? [[name, score]] : [])));
}

const BECAME: Readonly<Record<NonNullable<Ancestor['became']>, string>> = {
  rule: 'promoted',
  override: 'promoted by hand',
  rollback: 'rolled back to',
};

/** How a candidate became the anchor, in words. */
export function becameText(became: NonNullable<Ancestor['became']>): string {
  return BECAME[became];
}

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
  const best = run.stages.find(({ stage }) => stage === bestIn(run));
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
    model: `${decisive} of ${namingOf(run).title(best.stage)}`,
    ...(other && beside !== undefined && { peer: { name: other.participant, validation: beside } }),
  };
}

function newestOf(run: Run): Headline | undefined {
  const decisive = run.currentStage?.decisive ?? 'student';
  const evaluations = run.progress?.evaluations ?? [];
  const newest = evaluations.find(({ participant }) => participant === decisive)?.evaluation;
  const [first] = measured(newest?.validation?.metrics ?? {});
  if (!first) return undefined;
  const model = `${decisive} of ${namingOf(run).title(run.stage)}, step ${newest?.step}`;
  return { title: 'Newest validation', metric: first.metric, validation: first.value, model };
}

/** What the orchestrator accepts for a run now. */
export function possibleVerbs({ phase, failureKind }: Pick<Run, 'phase' | 'failureKind'>): readonly Verb[] {
  const name = phaseName(phase);
  return isPhase(name) ? verbsOf(name, failureKind) : [];
}
