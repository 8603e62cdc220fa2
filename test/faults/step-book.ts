import type { Position } from '@trikd/core/domain/position';

/** A step that both trainers have trained in one attempt. */
export interface PairStep extends Position {
  /** Milliseconds on the clock of the test. */
  readonly at: number;
}

/** The cost of a new attempt of a stage. */
export interface Replay {
  readonly stage: number;
  readonly attempt: number;
  /** Steps that had been trained before, and are trained again. */
  readonly steps: number;
}

/** Follows the trainers step by step. */
export interface StepBook {
  readonly trained: (service: string, position: Position, at: number) => void;
  /** The last step of a run that both have trained. */
  readonly last: (runId: string) => PairStep | undefined;
  readonly replays: (runId: string) => readonly Replay[];
  /** The next step of both that fits. */
  readonly next: (fits: (step: PairStep) => boolean) => Promise<PairStep>;
}

export function stepBook(): StepBook {
  /** Last step of each trainer, by attempt. */
  const lasts = new Map<string, Map<string, number>>();
  /** The furthest step of any trainer, by stage. */
  const furthest = new Map<string, number>();
  const last = new Map<string, PairStep>();
  const replays = new Map<string, Replay[]>();
  const waiting = new Set<(step: PairStep) => void>();

  return {
    trained(service, position, at) {
      const { runId, stage, attempt, step } = position;
      const ofStage = `${runId} ${stage}`;
      const ofAttempt = `${ofStage} ${attempt}`;
      const before = furthest.get(ofStage) ?? -1;
      const trainers = lasts.get(ofAttempt) ?? new Map<string, number>();
      if (trainers.size === 0 && attempt > 1) {
        const replay = { stage, attempt, steps: Math.max(0, before + 1 - step) };
        replays.set(runId, [...(replays.get(runId) ?? []), replay]);
      }
      trainers.set(service, step);
      lasts.set(ofAttempt, trainers);
      furthest.set(ofStage, Math.max(before, step));
      if (trainers.size < 2 || Math.min(...trainers.values()) !== step) return;
      const pair = { ...position, at };
      last.set(runId, pair);
      for (const look of waiting) look(pair);
    },
    last: (runId) => last.get(runId),
    replays: (runId) => replays.get(runId) ?? [],
    next: (fits) =>
      new Promise((resolve) => {
        const look = (step: PairStep) => {
          if (!fits(step)) return;
          waiting.delete(look);
          resolve(step);
        };
        waiting.add(look);
      }),
  };
}
