import type { Role } from '@trikd/core/domain/position';
import type { GpuUsage, PhaseKind, ProcessUsage, RoleStep, StepPhase } from '@trikd/core/timing/role-step';
import type { SlowStep } from '@trikd/core/timing/slow-steps';
import type { Spread, StepTimes } from '@trikd/core/timing/step-times';
import { fromRole, toRole } from './convert.js';
import { Role as RoleMessage } from './gen/node/trikd/v1/common.js';
import {
  type GpuUsage as GpuUsageMessage,
  type ProcessUsage as ProcessUsageMessage,
  type RoleStep as RoleStepMessage,
  type SlowStep as SlowStepMessage,
  StepPhaseKind,
  type StepPhase as StepPhaseMessage,
  type StepTimes as StepTimesMessage,
} from './gen/node/trikd/v1/timing.js';

const KINDS: Readonly<Record<PhaseKind, StepPhaseKind>> = {
  data: StepPhaseKind.STEP_PHASE_KIND_DATA,
  forward: StepPhaseKind.STEP_PHASE_KIND_FORWARD,
  wait: StepPhaseKind.STEP_PHASE_KIND_WAIT,
  publish: StepPhaseKind.STEP_PHASE_KIND_PUBLISH,
  backward: StepPhaseKind.STEP_PHASE_KIND_BACKWARD,
};

/** Undefined for a kind that this version does not know. */
export function toPhaseKind(message: StepPhaseKind): PhaseKind | undefined {
  return (['data', 'forward', 'wait', 'publish', 'backward'] as const).find((kind) => KINDS[kind] === message);
}

export function toRoleStep({ role, step, startedMs, durationMs, phases }: RoleStepMessage): RoleStep {
  return { role: toRole(role), step, started: startedMs, duration: durationMs, phases: phases.flatMap(toPhase) };
}

function toPhase({ kind, peer, offsetMs, durationMs }: StepPhaseMessage): readonly StepPhase[] {
  const known = toPhaseKind(kind);
  if (!known) return [];
  const waited = peer === RoleMessage.ROLE_UNSPECIFIED ? undefined : toRole(peer);
  return [{ kind: known, ...(waited && { peer: waited }), offset: offsetMs, duration: durationMs }];
}

export function fromRoleStep({ role, step, started, duration, phases }: RoleStep): RoleStepMessage {
  return {
    role: fromRole(role),
    step,
    startedMs: started,
    durationMs: duration,
    phases: phases.map(({ kind, peer, offset, duration: length }) => ({
      kind: KINDS[kind],
      peer: fromPeer(peer),
      offsetMs: offset,
      durationMs: length,
    })),
  };
}

export function fromUsage({
  uptimeSeconds,
  cpuSeconds,
  memoryBytes,
  peakMemoryBytes,
  gpu,
}: ProcessUsage): ProcessUsageMessage {
  return { uptimeSeconds, cpuSeconds, memoryBytes, peakMemoryBytes, gpu: gpu && fromGpu(gpu) };
}

function fromGpu({ utilization, memoryBytes, memoryTotalBytes }: GpuUsage): GpuUsageMessage {
  return { utilization, memoryBytes, memoryTotalBytes };
}

export function toUsage({ gpu, ...usage }: ProcessUsageMessage): ProcessUsage {
  const { uptimeSeconds, cpuSeconds, memoryBytes, peakMemoryBytes } = usage;
  return { uptimeSeconds, cpuSeconds, memoryBytes, peakMemoryBytes, ...(gpu && { gpu: fromGpu(gpu) }) };
}

/** Steps of which stage and attempt. */
export interface StepsOf {
  readonly stage: number;
  readonly attempt: number;
}

export function fromStepTimes({
  stage,
  attempt,
  firstStep,
  steps,
  roles,
  verdict,
}: StepTimes & StepsOf): StepTimesMessage {
  return {
    stage,
    attempt,
    firstStep,
    steps,
    roles: roles.map(({ role, step, between, phases, usage }) => ({
      role: fromRole(role),
      step: fromSpread(step),
      between: fromSpread(between),
      phases: phases.map(({ kind, peer, times, share }) => ({
        kind: KINDS[kind],
        peer: fromPeer(peer),
        times: fromSpread(times),
        share,
      })),
      usage: usage && fromUsage(usage),
    })),
    verdict,
  };
}

export function fromSlowStep({
  stage,
  attempt,
  step,
  duration,
  usual,
  traceId,
  roles,
}: SlowStep & StepsOf & { readonly traceId: string }): SlowStepMessage {
  return {
    stage,
    attempt,
    step,
    durationMs: duration,
    usualMs: usual,
    traceId,
    roles: roles.map(fromRoleStep),
  };
}

function fromSpread({ p50, p95, max, mean }: Spread): Spread {
  return { p50, p95, max, mean };
}

function fromPeer(peer: Role | undefined): RoleMessage {
  return peer ? fromRole(peer) : RoleMessage.ROLE_UNSPECIFIED;
}
