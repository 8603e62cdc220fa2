import type { StepWindows } from '@trikd/events/run-history';
import { Role } from '@trikd/protocol/gen/browser/trikd/v1/common';
import type { GpuUsage, ProcessUsage, StepTimes } from '@trikd/protocol/gen/browser/trikd/v1/timing';

/** What one process used between two reports. */
export interface UsagePoint {
  /** Processor cores that were busy with it, on average. */
  readonly cores: number;
  /** Resident, at the end. */
  readonly memoryBytes: number;
  readonly gpu?: GpuUsage;
}

/** What the process of one role used over the run. */
export interface RoleUsage {
  readonly role: Role;
  /** In order; at least one. */
  readonly points: readonly UsagePoint[];
  /** Maximum of the resident memory of its processes. */
  readonly peakMemoryBytes: number;
}

const ORDER: readonly Role[] = [Role.ROLE_STUDENT, Role.ROLE_TEACHER, Role.ROLE_ANCHOR];

/** The usage of each role that reports it, from the windows that are kept and the newest. */
export function usageOf({ kept, newest }: StepWindows): readonly RoleUsage[] {
  const windows = newest && kept.at(-1) !== newest ? [...kept, newest] : kept;
  return ORDER.flatMap((role) => {
    const usages = windows.flatMap((window) => usageIn(window, role) ?? []);
    if (usages.length === 0) return [];
    const peakMemoryBytes = Math.max(...usages.map((each) => Math.max(each.peakMemoryBytes, each.memoryBytes)));
    return [{ role, points: usages.map((usage, index) => pointOf(usage, usages[index - 1])), peakMemoryBytes }];
  });
}

function usageIn({ roles }: StepTimes, role: Role): ProcessUsage | undefined {
  return roles.find((each) => each.role === role)?.usage;
}

/** @param before what the role reported before; its process may have been another one */
function pointOf(usage: ProcessUsage, before: ProcessUsage | undefined): UsagePoint {
  const { memoryBytes, gpu } = usage;
  return { cores: coresBetween(usage, before), memoryBytes, ...(gpu && { gpu }) };
}

function coresBetween(usage: ProcessUsage, before: ProcessUsage | undefined): number {
  const same = before && usage.uptimeSeconds > before.uptimeSeconds && usage.cpuSeconds >= before.cpuSeconds;
  const from = same ? before : { uptimeSeconds: 0, cpuSeconds: 0 };
  const seconds = usage.uptimeSeconds - from.uptimeSeconds;
  return seconds > 0 ? (usage.cpuSeconds - from.cpuSeconds) / seconds : 0;
}
