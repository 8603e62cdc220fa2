/** Steps of warm-up when a spec names none. A stage that is shorter is all warm-up, and still valid. */
export const DEFAULT_WARMUP = 60;

/** Why a warm-up does not fit into a stage of so many steps; undefined when it does. */
export function warmupProblem(warmupSteps: number, totalSteps: number): string | undefined {
  if (warmupSteps <= totalSteps || warmupSteps === DEFAULT_WARMUP) return undefined;
  return `${warmupSteps} steps of warm-up are more than the ${totalSteps} steps of a generation`;
}
