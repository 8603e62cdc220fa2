import type { Learner, Stage } from '@trikd/core/stages/stage';
import { type StagedRun, stagesOf } from '@trikd/core/stages/stages-of';
import { isGeneration, stageText } from '@trikd/events/names';
import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';

/** What is shown of a stage: names of its participants. */
export interface ShownStage {
  /** Empty where neither spec nor events say it. */
  readonly name: string;
  readonly learners: readonly string[];
  readonly frozen: readonly string[];
}

/** How the stages of a run are called. */
export interface StageNaming {
  /** What they are: all of them generations of one student, or not. */
  readonly word: 'generation' | 'stage';
  /** `generation 2`, `stage teacher`. */
  readonly title: (index: number) => string;
  /** `generation 2`, `teacher`. */
  readonly name: (index: number) => string;
  /** After the word: `2`, `teacher`. */
  readonly label: (index: number) => string;
  /** Where there is little room: `g2`, `teacher`. */
  readonly short: (index: number) => string;
}

let parsed: { readonly spec: string; readonly stages: readonly Stage[] } = { spec: '', stages: [] };

/** The stages that a spec amounts to, as many as there can be; none where it is not known, or has a method that is not known. */
export function stagesIn(spec: string): readonly Stage[] {
  if (parsed.spec !== spec) parsed = { spec, stages: stagesOfText(spec) };
  return parsed.stages;
}

function stagesOfText(text: string): readonly Stage[] {
  try {
    // The orchestrator has checked the spec and filled in its defaults.
    const spec: StagedRun = JSON.parse(text);
    return stagesOf(spec);
  } catch {
    return [];
  }
}

/** A stage by the spec of its run, by its result, or by the events of the current one. */
export function stageIn(run: Run, index: number): ShownStage {
  const planned = stagesIn(run.spec)[index];
  const result = run.stages.find(({ stage }) => stage === index);
  const current = run.stage === index ? run.currentStage : undefined;
  return {
    name: nameIn(run, index),
    learners: planned?.learners.map(nameOf) ?? result?.learners.map(participantOf) ?? current?.learners ?? [],
    // A stage before the first promotion does without the anchor that its plan has.
    frozen: result?.frozen.map(participantOf) ?? current?.frozen ?? planned?.frozen.map(nameOf) ?? [],
  };
}

/** Whether the stage of this name is called by its number: a generation, or a stage whose name is not known. */
export function isNumbered(name: string): boolean {
  return name === '' || isGeneration(name);
}

function nameIn(run: Run, index: number): string {
  const planned = stagesIn(run.spec)[index]?.name;
  if (planned !== undefined) return planned;
  if (run.stage === index && run.currentStage) return run.currentStage.name;
  return run.stages.find(({ stage }) => stage === index)?.stageName ?? '';
}

const nameOf = ({ name }: { readonly name: string }) => name;
const participantOf = ({ participant }: { readonly participant: string }) => participant;

/** A learner as the spec has it; undefined where that is not known. */
export function learnerIn({ spec }: Run, index: number, name: string): Learner | undefined {
  return stagesIn(spec)[index]?.learners.find((learner) => learner.name === name);
}

/** How the stages of a run are called. */
export function namingOf(run: Run | undefined): StageNaming {
  const names = (index: number) => (run ? nameIn(run, index) : '');
  const known = [...stagesIn(run?.spec ?? '').map(nameOf), ...(run?.stages ?? []).map(({ stageName }) => stageName)];
  const word = [...known, names(run?.stage ?? 0)].every(isNumbered) ? 'generation' : 'stage';
  const title = (index: number) => stageText(names(index), index);
  const name = (index: number) => (isNumbered(names(index)) ? title(index) : names(index));
  return {
    word,
    title,
    name,
    label: (index) => (word === 'generation' ? String(index) : name(index)),
    short: (index) => (isNumbered(names(index)) ? title(index).replace('generation ', 'g') : names(index)),
  };
}

/** The participants that a process holds in a stage: the learner of a trainer, the frozen models of the anchor-server. */
export function heldBy(run: Run | undefined, index: number, process: string): readonly string[] {
  if (!run) return [process];
  if (process !== 'anchor') {
    const learner = stagesIn(run.spec)[index]?.learners.find(({ slot }) => slot === process);
    return [learner?.name ?? process];
  }
  const { frozen } = stageIn(run, index);
  return frozen.length > 0 ? frozen : [process];
}

/** All participants of a run, in the order of its stages; learners before frozen models. */
export function participantsIn(run: Run): readonly string[] {
  const planned = stagesIn(run.spec).map(({ learners, frozen }) => ({
    learners: learners.map(nameOf),
    frozen: frozen.map(nameOf),
  }));
  const met = [...run.stages.map(({ stage }) => stage), run.stage];
  const stages = planned.length > 0 ? planned : met.map((index) => stageIn(run, index));
  return [...new Set([...stages.flatMap(({ learners }) => learners), ...stages.flatMap(({ frozen }) => frozen)])];
}

/** All frozen models of a run, in the order of its stages. */
export function frozenIn(run: Run): readonly string[] {
  const planned = stagesIn(run.spec).flatMap(({ frozen }) => frozen.map(nameOf));
  const met = run.stages.flatMap(({ frozen }) => frozen.map(participantOf));
  return [...new Set([...planned, ...met, ...(run.currentStage?.frozen ?? [])])];
}
