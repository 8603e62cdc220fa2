import { roleName, stepPhaseName } from '@trikd/events/names';
import type { Role } from '@trikd/protocol/gen/browser/trikd/v1/common';
import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { StepPhaseKind as Kind, type RoleTimes, type StepPhaseKind } from '@trikd/protocol/gen/browser/trikd/v1/timing';
import { coloursIn } from '../charts/series.js';
import { heldBy } from './stages.js';

/** Processes by what they hold. */
type NamedProcesses = Pick<Processes, 'nameOf'>;

/** A part of a bar. */
export interface Segment {
  readonly name: string;
  /** Name of the colour. */
  readonly tone: string;
  /** Milliseconds. */
  readonly size: number;
}

/** The colour of a phase. */
export function toneOf(kind: StepPhaseKind, peer: Role): string {
  switch (kind) {
    case Kind.STEP_PHASE_KIND_WAIT:
      return roleName(peer) === 'anchor' ? 'wait-anchor' : 'wait-peer';
    case Kind.STEP_PHASE_KIND_DATA:
      return 'data';
    case Kind.STEP_PHASE_KIND_FORWARD:
      return 'forward';
    case Kind.STEP_PHASE_KIND_PUBLISH:
      return 'publish';
    case Kind.STEP_PHASE_KIND_BACKWARD:
      return 'backward';
    case Kind.STEP_PHASE_KIND_UNSPECIFIED:
    case Kind.UNRECOGNIZED:
      return 'between';
  }
}

/** The name of a phase: `forward`, `wait for teacher`. */
export function phaseNameOf(kind: StepPhaseKind, peer: Role, { nameOf }: NamedProcesses): string {
  return kind === Kind.STEP_PHASE_KIND_WAIT ? `wait for ${nameOf(peer)}` : stepPhaseName(kind, peer);
}

/**
 * The mean durations of the phases of a role, and of the time between two steps. A trainer prepares its batches during other phases, so
 * the bar leaves them out; the anchor prepares them by themselves.
 */
export function segmentsOf({ phases, between, role }: RoleTimes, processes: NamedProcesses): readonly Segment[] {
  const inside = roleName(role) !== 'anchor';
  const parts = phases
    .filter(({ kind }) => !(inside && kind === Kind.STEP_PHASE_KIND_DATA))
    .map(({ kind, peer, times }) => ({
      name: phaseNameOf(kind, peer, processes),
      tone: toneOf(kind, peer),
      size: times?.mean ?? 0,
    }));
  return [...parts, { name: 'between steps', tone: 'between', size: between?.mean ?? 0 }].filter(
    ({ size }) => size > 0,
  );
}

/** The processes of a trio in one stage, by what they hold in it. */
export interface Processes {
  /** The learner of a trainer; all frozen models of the anchor-server. */
  readonly nameOf: (role: Role) => string;
  /** The class with its colour. */
  readonly colourOf: (role: Role) => string;
}

export function processesIn(run: Run | undefined, stage: number): Processes {
  const colours = coloursIn(run);
  const held = (role: Role) => heldBy(run, stage, roleName(role));
  return {
    nameOf: (role) => held(role).join(', '),
    colourOf: (role) => colours(held(role)[0] ?? roleName(role)),
  };
}
