import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RUNS } from '@trikd/testing/kubernetes/installation';
import { kubectl } from './kubernetes.js';
import type { Pod } from './struck-run.js';

/** More than the container uses, and less than a second process beside it needs. */
const ROOM_BYTES = 48 * 2 ** 20;
const FILL = 'const all = []; for (;;) all.push(Buffer.alloc(2 ** 22, 1));';

/** Lets the container run out of memory. The kernel kills the larger of the two processes in it, which is the service. */
export async function exhaustMemory({ metadata, status }: Pod): Promise<void> {
  const id = status.containerStatuses?.[0]?.containerID.replace('containerd://', '');
  const [group] = globSync(`/sys/fs/cgroup/{memory/,}trikd-cluster-*/node-*/kubepods/**/${id}`);
  if (group === undefined) throw new Error(`${metadata.name} has no control group of memory`);
  const limit = join(group, existsSync(join(group, 'memory.max')) ? 'memory.max' : 'memory.limit_in_bytes');
  const [, used] = /^(?:total_rss|anon) (\d+)$/m.exec(readFileSync(join(group, 'memory.stat'), 'utf8')) ?? [];
  writeFileSync(limit, `${Number(used) + ROOM_BYTES}`);
  const fill = ['--', '/usr/local/bin/node', '--eval', FILL];
  // It fails whichever process is killed.
  await kubectl('exec', metadata.name, `--namespace=${RUNS}`, ...fill).catch(() => undefined);
}
