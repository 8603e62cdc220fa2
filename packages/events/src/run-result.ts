/** The part of an ended stage that says what it came to. */
interface EndedStage {
  readonly generation: number;
  readonly stage: string;
  readonly candidate: string;
  readonly learners: readonly { readonly participant: string }[];
}

/** The part of a run that says which of its stages is the result. */
interface RunWithResults<Result extends EndedStage> {
  readonly generations: readonly Result[];
  readonly bestGeneration: number;
  readonly stages: number;
}

/** The result of a run so far. The message has a number even where there is none: before the last stage of a run without candidates. */
export function bestOf<Result extends EndedStage>({
  generations,
  bestGeneration,
  stages,
}: RunWithResults<Result>): Result | undefined {
  const best = generations.find(({ generation }) => generation === bestGeneration);
  return best && (best.candidate !== '' || generations.length === stages) ? best : undefined;
}

/** The learner that a stage is judged by. Messages name it for stages with a candidate, and for the newest stage. */
export function decisiveOf(
  { stage, candidate, learners }: EndedStage,
  run: { readonly stage?: { readonly name: string; readonly decisive: string } | undefined },
): string {
  if (candidate !== '') return candidate;
  if (run.stage?.name === stage) return run.stage.decisive;
  const names = learners.map(({ participant }) => participant);
  return names.find((name) => name === 'student') ?? names[0] ?? '';
}
