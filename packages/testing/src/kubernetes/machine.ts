/** What the kernel offers to the cluster: a network, files that seem its own, and control groups. */
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { nodeAddress } from './addresses.js';
import type { Namespaces } from './namespaces.js';

/** Settings of the whole machine that kubelet asks for. It finds them in files that lie over the real ones, and changes nothing. */
const KERNEL_SETTINGS: Readonly<Record<string, number>> = {
  'vm/overcommit_memory': 1,
  'vm/panic_on_oom': 0,
  'kernel/panic': 10,
  'kernel/panic_on_oops': 1,
  'kernel/keys/root_maxkeys': 1_000_000,
  'kernel/keys/root_maxbytes': 25_000_000,
};

/** Folders outside its own that parts of a node write to. */
const WRITTEN = ['/var/lib', '/var/log'];

const CGROUPS = '/sys/fs/cgroup';
/** To remove a control group, in tenths of a second. */
const TRIES = 100;

/** A bridge with the addresses of the nodes. Its default route leads nowhere: kubelet and pods want to see one. */
export function addNetwork(namespaces: Namespaces, nodes: number): void {
  const { run } = namespaces;
  run('ip', 'link', 'set', 'lo', 'up');
  run('ip', 'link', 'add', 'nodes', 'type', 'bridge');
  for (let node = 1; node <= nodes; node++) run('ip', 'address', 'add', `${nodeAddress(node)}/24`, 'dev', 'nodes');
  run('ip', 'link', 'set', 'nodes', 'up');
  run('ip', 'route', 'add', 'default', 'via', nodeAddress(254), 'dev', 'nodes');
  // Settings of this network, not of the machine's.
  for (const setting of ['ipv4/ip_forward', 'bridge/bridge-nf-call-iptables']) {
    run('sh', '-c', `echo 1 > /proc/sys/net/${setting}`);
  }
}

/** Mounts that exist inside the namespaces only. */
export function addMounts({ run }: Namespaces, folder: string): void {
  run('mount', '-t', 'tmpfs', 'tmpfs', '/run');
  for (const path of WRITTEN) {
    const own = join(folder, 'overlays', basename(path));
    for (const part of ['upper', 'work']) mkdirSync(join(own, part), { recursive: true });
    run('mount', '-t', 'overlay', 'overlay', '-o', `lowerdir=${path},upperdir=${own}/upper,workdir=${own}/work`, path);
  }
  for (const [name, value] of Object.entries(KERNEL_SETTINGS)) {
    const own = join(folder, 'kernel', name);
    mkdirSync(dirname(own), { recursive: true });
    writeFileSync(own, `${value}\n`);
    run('mount', '--bind', own, `/proc/sys/${name}`);
  }
}

/**
 * Makes a control group of a name for every controller, with one for each node in it. Returns what removes them, once their processes
 * have ended.
 */
export function addCgroups(name: string, nodes: readonly string[]): () => Promise<void> {
  const unified = existsSync(join(CGROUPS, 'cgroup.controllers'));
  const hierarchies = unified ? [CGROUPS] : readdirSync(CGROUPS).map((controller) => join(CGROUPS, controller));
  const groups = hierarchies.map((hierarchy) => join(hierarchy, name));
  for (const group of groups) for (const node of nodes) mkdirSync(join(group, node), { recursive: true });
  return async () => {
    for (const group of groups) if (existsSync(group)) await removeGroup(group);
  };
}

async function removeGroup(group: string): Promise<void> {
  for (const entry of readdirSync(group, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeGroup(join(group, entry.name));
  }
  // A process that was killed leaves its group a moment later.
  for (let tries = 0; ; tries++) {
    try {
      rmdirSync(group);
      return;
    } catch (error) {
      if (tries === TRIES) throw error;
      await delay(100);
    }
  }
}
