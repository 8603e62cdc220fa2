import { readFileSync, writeFileSync } from 'node:fs';

/** What Linux takes as: forget how much memory the process has had at most. */
const RESET_PEAK = '5';

/** From now on the peak of a process counts anew. */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, RESET_PEAK);
}

/** MiB that a process has had in memory at most since its peak was reset, mapped libraries included. */
export function peakResident(pid: number): number {
  const kibibytes = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kibibytes) / 1024);
}
