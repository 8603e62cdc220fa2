import type { Role } from '../domain/position.js';

/**
 * The phases of a step. `wait` is for the logits of another model, `publish` for room in the window of the model's own
 * frames.
 */
export type PhaseKind = 'data' | 'forward' | 'wait' | 'publish' | 'backward';

/** One phase of a step, in milliseconds. */
export interface StepPhase {
  readonly kind: PhaseKind;
  /** The model that a wait was for. */
  readonly peer?: Role;
  /** From the start of the step. */
  readonly offset: number;
  readonly duration: number;
}

/**
 * How one role spent its time in one step, in milliseconds. Consecutive phases fill the step without gaps; only the
 * data of a trainer's next step overlap another phase.
 */
export interface RoleStep {
  readonly role: Role;
  readonly step: number;
  /** Milliseconds since 1970, with fractions, by the clock of the process. */
  readonly started: number;
  readonly duration: number;
  /** In order of their start. */
  readonly phases: readonly StepPhase[];
}

/** What a process has used since it started. */
export interface ProcessUsage {
  /** Seconds since it started. */
  readonly uptimeSeconds: number;
  /** Of all its threads, in user and system mode. */
  readonly cpuSeconds: number;
  /** Resident. */
  readonly memoryBytes: number;
  /** Maximum of the resident memory so far. */
  readonly peakMemoryBytes: number;
  /** Absent without a GPU. */
  readonly gpu?: GpuUsage;
}

/** How busy a GPU is, whichever processes use it. */
export interface GpuUsage {
  /** Share of the last second in which it computed, 0..1. */
  readonly utilization: number;
  readonly memoryBytes: number;
  /** Memory that it has. */
  readonly memoryTotalBytes: number;
}
