import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';

/** A process of this machine that has to do with a folder. */
export interface FoundProcess {
  readonly pid: number;
  /** The service's name, or the command. */
  readonly name: string;
}

/** Living processes whose environment or command line names `folder`: the services of its runs, and the processes that started them. */
export function processesOf(folder: string): readonly FoundProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      const command = read(`/proc/${name}/cmdline`);
      if (![command, read(`/proc/${name}/environ`)].some((text) => text.includes(folder))) return [];
      const service = /services\/([a-z-]+)\/dist\/main\.js/.exec(command)?.[1];
      return [{ pid: Number(name), name: service ?? command.split('\0')[0] ?? '' }];
    });
}

/** The process of a service that works for a folder. */
export function pidOf(service: string, folder: string): number {
  const found = processesOf(folder).find(({ name }) => name === service);
  if (!found) throw new Error(`there is no ${service} for ${folder}`);
  return found.pid;
}

/** Waits until nothing is left of what was started for a folder. */
export async function expectNoProcess(folder: string, timeout = 0): Promise<void> {
  if (timeout > 0) await expect.poll(() => processesOf(folder), { timeout, interval: 100 }).toEqual([]);
  expect(processesOf(folder)).toEqual([]);
}

/** Empty for a process that has just ended, or that belongs to another user. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
