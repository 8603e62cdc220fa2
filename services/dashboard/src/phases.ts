import { roleName, stepPhaseName } from '@trikd/events/words';
import type { Role } from '@trikd/protocol/gen/browser/trikd/v1/common';
import { StepPhaseKind as Kind, type RoleTimes, type StepPhaseKind } from '@trikd/protocol/gen/browser/trikd/v1/timing';

/** A part of a bar. */
export interface Segment {
  readonly name: string;
  /** Of the colour. */
  readonly tone: string;
  /** Milliseconds. */
  readonly size: number;
}

/** What a phase is drawn with. */
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

/**
 * The phases of a role one after the other, by their means, and what lies between two steps. Batches are made while the graph computes:
 * their time is inside another phase, so it is no part of the bar, except for the anchor, which has nothing else to do meanwhile.
 */
export function segmentsOf({ phases, between, role }: RoleTimes): readonly Segment[] {
  const inside = roleName(role) !== 'anchor';
  const parts = phases
    .filter(({ kind }) => !(inside && kind === Kind.STEP_PHASE_KIND_DATA))
    .map(({ kind, peer, times }) => ({
      name: stepPhaseName(kind, peer),
      tone: toneOf(kind, peer),
      size: times?.mean ?? 0,
    }));
  return [...parts, { name: 'between steps', tone: 'between', size: between?.mean ?? 0 }].filter(
    ({ size }) => size > 0,
  );
}
