import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';

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

/**
 * MiB by which the sum of the resident memory of processes exceeds what they take together: a page of a file that n of them have mapped
 * is in memory once, but in the sum n times. Unlike the proportional set size, it does not depend on what else runs.
 */
export function countedAgain(pids: readonly number[]): number {
  const pageBytes = Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }));
  const seen = new Set<string>();
  let again = 0;
  for (const pid of pids) {
    for (const page of filePages(pid, pageBytes)) {
      if (seen.has(page)) again += 1;
      seen.add(page);
    }
  }
  return Math.round((again * pageBytes) / 2 ** 20);
}

/** A line of `/proc/PID/maps`: first and last address, offset in the file, device and inode. */
const MAPPING = /^([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) (\S+) (\d+)/;

/** Bits of an entry of `/proc/PID/pagemap`, in its upper half: the page is in memory; it belongs to a file, so it was not copied. */
const PRESENT = 1 << 31;
const OF_FILE = 1 << 29;

/** The pages of files that a process has in memory, each by device, inode and place in the file. */
function* filePages(pid: number, pageBytes: number): Generator<string> {
  const pagemap = openSync(`/proc/${pid}/pagemap`, 'r');
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const [, from, to, offset, device, inode] = MAPPING.exec(line) ?? [];
      if (inode === undefined || inode === '0') continue;
      const first = Number.parseInt(from!, 16) / pageBytes;
      const entries = Buffer.alloc(8 * (Number.parseInt(to!, 16) / pageBytes - first));
      const read = readSync(pagemap, entries, 0, entries.length, 8 * first);
      const start = Number.parseInt(offset!, 16) / pageBytes;
      for (let at = 0; at < read; at += 8) {
        const bits = entries.readUInt32LE(at + 4);
        if ((bits & PRESENT) !== 0 && (bits & OF_FILE) !== 0) yield `${device} ${inode} ${start + at / 8}`;
      }
    }
  } finally {
    closeSync(pagemap);
  }
}
