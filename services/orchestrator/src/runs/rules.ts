import type { RunRules } from '@trikd/core/run/advance';
import type { RunSpec } from '@trikd/core/spec/run-spec';

/** What the configuration says about every run. */
export interface RunLimits {
  /** Attempts that may be lost in a row before a run fails. */
  readonly retries: number;
  /** Checkpoints of the current generation to keep. */
  readonly keepPairs: number;
}

/** The rules of a run, as this orchestrator is configured. */
export function rulesOf(spec: RunSpec, { retries, keepPairs }: RunLimits): RunRules {
  return { spec, retries, keepPairs };
}
