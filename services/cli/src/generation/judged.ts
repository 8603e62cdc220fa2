import type { GenerationResult, Run } from '@trikd/protocol/gen/node/trikd/v1/run';

/** The result of a run so far. The message has a number even where there is none: before the last stage of a run without candidates. */
export function bestOf({
  generations,
  bestGeneration,
  stages,
}: Pick<Run, 'generations' | 'bestGeneration' | 'stages'>): GenerationResult | undefined {
  const best = generations.find(({ generation }) => generation === bestGeneration);
  return best && (best.candidate !== '' || generations.length === stages) ? best : undefined;
}

/** The learner that a stage is judged by. Messages name it for stages with a candidate, and for the newest stage. */
export function decisiveOf({ stage, candidate, learners }: GenerationResult, run: Pick<Run, 'stage'>): string {
  if (candidate !== '') return candidate;
  if (run.stage?.name === stage) return run.stage.decisive;
  const names = learners.map(({ participant }) => participant);
  return names.find((name) => name === 'student') ?? names[0] ?? '';
}
