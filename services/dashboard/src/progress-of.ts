import type { GenerationHistory, RunHistory } from '@trikd/events/run-history';
import { RunPhase, type RunProgress } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { at } from './api.js';

/** How far a run is. */
export type Progress = Pick<
  RunProgress,
  'stepsDone' | 'stepsTotal' | 'percent' | 'stepsPerSecond' | 'secondsRemaining'
>;

/**
 * How far a run is: as it was told with its last change, and while it trains, as its trainers have told since. The pair is as far as the
 * slower of the two.
 */
export function progressOf({ run, generations }: RunHistory): Progress | undefined {
  const told = run?.progress;
  const inHand = generations.find(({ generation }) => generation === run?.generation);
  if (!run || !inHand || run.phase !== RunPhase.RUN_PHASE_TRAINING) return told;
  const newest = newestOf(inHand);
  if (!newest) return told;
  const before = run.generations
    .filter(({ generation }) => generation !== inHand.generation)
    .reduce((sum, { steps }) => sum + steps, 0);
  const stepsDone = Math.max(before + newest.step, told?.stepsDone ?? 0);
  const stepsTotal = Math.max(told?.stepsTotal ?? 0, inHand.totalSteps * generationsIn(run.spec));
  const { stepsPerSecond } = newest;
  return {
    stepsDone,
    stepsTotal,
    percent: stepsTotal > 0 ? (100 * stepsDone) / stepsTotal : (told?.percent ?? 0),
    stepsPerSecond,
    secondsRemaining: stepsPerSecond > 0 && stepsTotal > 0 ? (stepsTotal - stepsDone) / stepsPerSecond : undefined,
  };
}

function newestOf({
  roles,
}: GenerationHistory): { readonly step: number; readonly stepsPerSecond: number } | undefined {
  const [student, teacher] = [roles.student.training.points.at(-1), roles.teacher.training.points.at(-1)];
  if (!student || !teacher) return undefined;
  const speed = (values: Readonly<Record<string, number>>) => values['stepsPerSecond'] ?? 0;
  return {
    step: Math.min(student.last, teacher.last),
    stepsPerSecond: Math.min(speed(student.values), speed(teacher.values)),
  };
}

/** The budget of a spec; 0 when it is not known. */
export function generationsIn(spec: string): number {
  try {
    const many = at(JSON.parse(spec), 'curriculum', 'generations');
    return typeof many === 'number' ? many : 0;
  } catch {
    return 0;
  }
}
