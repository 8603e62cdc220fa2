/** How far a run is, and how fast. */
export interface Pace {
  readonly stepsDone: number;
  /** At most; 0: not known. */
  readonly stepsTotal: number;
  /** 0 while nothing is trained. */
  readonly stepsPerSecond: number;
}

/** The progress of a run: in percent, and with the seconds that remain while it is trained. */
export function progressAt({ stepsDone, stepsTotal, stepsPerSecond }: Pace) {
  return {
    stepsDone,
    stepsTotal,
    percent: stepsTotal === 0 ? 0 : Math.min(100, (100 * stepsDone) / stepsTotal),
    stepsPerSecond,
    ...(stepsPerSecond > 0 && { secondsRemaining: (stepsTotal - stepsDone) / stepsPerSecond }),
  };
}

/** Whether no model trains: they train in lockstep, so that none does while one is waited for. */
export function isHalted(stalls: readonly { readonly on: string }[]): boolean {
  return stalls.some(({ on }) => on !== 'store');
}

/** Why a run waits. The names of processes, and a sentence. */
export function stallSentence({ by, on, reason }: Readonly<Record<'by' | 'on' | 'reason', string>>): string {
  return `the ${by} waits for the ${on}: ${reason}`;
}
