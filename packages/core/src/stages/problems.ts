import { closest } from '../domain/closest.js';
import { gateOf } from '../losses/gated-terms.js';
import { comparesRows } from '../losses/registry.js';
import type { SpecProblem } from '../spec/fields.js';
import type { TermSpec } from '../spec/role-spec.js';
import { MOST_FROZEN } from '../spec/stage-spec.js';
import { isEverPositive } from '../spec/term-spec.js';
import { METRICS } from '../tasks/metrics.js';
import type { StageRef } from './origin.js';
import { type Learner, replicasOf, type Stage } from './stage.js';

/** What does not fit together in the stages of a run, with the path of each in `stages`. */
export function stageProblems(stages: readonly Stage[]): readonly SpecProblem[] {
  return [...twice(stages), ...stages.flatMap((stage) => problemsOf(stage, stages))];
}

/** Names that mean something else where participants are named: a term of the labels, the other learner, and the metrics in curves. */
const RESERVED: readonly string[] = ['task', 'peer', ...METRICS.map(({ name }) => name)];

function twice(stages: readonly Stage[]): readonly SpecProblem[] {
  const repeated = stages.filter(({ name, index }) => stages.findIndex((other) => other.name === name) < index);
  return repeated.map(({ name, index }) => problem([index, 'name'], `there are two stages ${name}`));
}

function problemsOf(stage: Stage, all: readonly Stage[]): readonly SpecProblem[] {
  const { index, learners, frozen, decisive } = stage;
  const names = learners.map(({ name }) => name);
  const found: SpecProblem[] = [];
  if (learners.length < 1 || learners.length > 2)
    found.push(problem([index, 'learners'], `a stage has one learner or two, not ${learners.length}`));
  if (learners.length === 2 && learners[0]?.slot === learners[1]?.slot)
    found.push(problem([index, 'learners'], `${names.join(' and ')} have the same slot ${learners[0]?.slot}`));
  if (frozen.length > MOST_FROZEN)
    found.push(problem([index, 'frozen'], `${frozen.length} frozen models, at most ${MOST_FROZEN} are possible`));
  if (names.length > 0 && !names.includes(decisive))
    found.push(problem([index, 'decisive'], `there is no learner ${decisive}${hintOf(decisive, names)}`));
  for (const name of [...names, ...frozen.map((each) => each.name)]) {
    if (RESERVED.includes(name))
      found.push(problem([index], `no participant can have the name ${name}: it has a meaning of its own`));
  }
  for (const { name, from } of frozen) {
    if (names.includes(name)) found.push(problem([index, 'frozen', name], `a learner has the name ${name} too`));
    if (from !== 'promoted' && from.kind === 'stage')
      found.push(...refProblems(from, [index, 'frozen', name], stage, all));
  }
  for (const learner of learners) found.push(...learnerProblems(learner, stage, all));
  return found;
}

function learnerProblems(learner: Learner, stage: Stage, all: readonly Stage[]): readonly SpecProblem[] {
  const { name, init, objective } = learner;
  const path = [stage.index, 'learners', name];
  const others = [...stage.learners, ...stage.frozen].map((each) => each.name).filter((each) => each !== name);
  const found: SpecProblem[] = [];
  if (init !== 'fresh' && init.kind === 'stage') {
    const ref = refProblems(init, [...path, 'init'], stage, all);
    const before = learnerAt(init, all);
    found.push(...ref);
    if (before && ref.length === 0 && JSON.stringify(before.model) !== JSON.stringify(learner.model))
      found.push(problem([...path, 'init'], `${init.participant} of stage ${init.stage} has another model`));
  }
  for (const [index, term] of objective.entries()) {
    if (term.kind !== 'distillation' || others.includes(term.from)) continue;
    const what = term.from === name ? 'a learner cannot learn from itself' : `there is no participant ${term.from}`;
    found.push(problem([...path, 'objective', index, 'from'], `${what}${hintOf(term.from, others)}`));
  }
  return found;
}

function refProblems(
  ref: StageRef,
  path: SpecProblem['path'],
  stage: Stage,
  all: readonly Stage[],
): readonly SpecProblem[] {
  const earlier = all.filter(({ index }) => index < stage.index);
  const named = all.find(({ name }) => name === ref.stage);
  if (!named) {
    const names = earlier.map(({ name }) => name);
    return [problem([...path, 'stage'], `there is no stage ${ref.stage}${hintOf(ref.stage, names)}`)];
  }
  if (named.index >= stage.index)
    return [problem([...path, 'stage'], `stage ${ref.stage} is not before stage ${stage.name}`)];
  const names = named.learners.map(({ name }) => name);
  if (names.includes(ref.participant)) return [];
  const known = `${ref.participant} is no learner of stage ${ref.stage}${hintOf(ref.participant, names)}`;
  return [problem([...path, 'participant'], known)];
}

function learnerAt({ stage, participant }: StageRef, all: readonly Stage[]): Learner | undefined {
  return all.find(({ name }) => name === stage)?.learners.find(({ name }) => name === participant);
}

function problem(path: SpecProblem['path'], message: string): SpecProblem {
  return { path, message };
}

/** `: did you mean student?`, or what there is. */
function hintOf(word: string, names: readonly string[]): string {
  const meant = closest(word, names);
  if (meant !== undefined) return `; did you mean ${meant}?`;
  return names.length > 0 ? `; there is ${names.join(', ')}` : '';
}

/** Why replicas of a learner would not learn what one model learns from the whole batch; undefined when they would. */
export function replicasProblem(batchSize: number, learner: Learner): string | undefined {
  const replicas = replicasOf(learner);
  if (replicas === 1) return undefined;
  if (batchSize % replicas !== 0) return `a batch of ${batchSize} images cannot be divided among ${replicas} replicas`;
  const hints = learner.objective.filter((term) => term.kind === 'distillation');
  const relational = hints.find(({ loss }) => comparesRows(loss));
  if (relational?.loss)
    return `the loss ${relational.loss.kind} compares the images of a batch, of which a replica has a part: leave replicas out, or give its other parts the weight 0`;
  if (hints.some((term) => gateOf(term)?.kind === 'logits-similarity'))
    return 'a gate logits-similarity compares whole batches, of which a replica has a part: leave replicas out, or take params-similarity';
  return undefined;
}

/** Why a learner would learn nothing, or a gate would have nothing to compare with; undefined when neither. */
export function objectiveProblem(stage: Stage, { objective }: Learner): string | undefined {
  const generation = stage.generation ?? stage.index;
  const counts = (term: TermSpec) => isEverPositive(term.weight, generation);
  if (!objective.some(counts)) return `nothing to learn from in ${inWords(stage)} with a weight above 0 is needed`;
  const isGated = objective.some((term) => term.kind === 'distillation' && term.gate);
  if (!isGated || objective.some((term) => term.kind === 'task' && counts(term))) return undefined;
  return 'a gate compares with the gradient of the task: a task term with a weight above 0 is needed';
}

function inWords(stage: Stage): string {
  if (stage.generation === 0) return 'generation 0, which has no anchor: a task or peer term';
  return `${placeOf(stage)}: a term`;
}

function placeOf({ generation, name }: Stage): string {
  return generation === undefined ? `stage ${name}` : `generation ${generation}`;
}
