import type { TrainerProgress } from './trainer-event.js';

/** Milliseconds over which speed and waits are averaged. */
const SPAN = 5000;

type Waits = Readonly<Record<string, number>>;

/**
 * Measures speed and waits over the last seconds. Call it after every step.
 * @param now monotonic milliseconds
 * @returns a function from the milliseconds that a step waited, by source, to the averages
 */
export function progressMeter(now: () => number): (waits: Waits) => Pick<TrainerProgress, 'stepsPerSecond' | 'waits'> {
  let from = now();
  const steps: { readonly ended: number; readonly waits: Waits }[] = [];
  return (waits) => {
    const ended = now();
    steps.push({ ended, waits });
    while (steps.length > 1 && ended - steps[0]!.ended > SPAN) from = steps.shift()!.ended;
    const span = Math.max(ended - from, Number.EPSILON);
    const share = (source: string) => steps.reduce((sum, step) => sum + (step.waits[source] ?? 0), 0) / span;
    const sources = Object.keys(waits);
    return {
      stepsPerSecond: (1000 * steps.length) / span,
      waits: Object.fromEntries(sources.map((source) => [source, Math.min(1, share(source))])),
    };
  };
}
