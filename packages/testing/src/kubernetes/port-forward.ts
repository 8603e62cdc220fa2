import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { kubernetesPart } from '../servers/kubernetes-commands.js';

/** A port of this machine that leads to a Service or a pod, until it is closed or the pod ends. */
export interface Forward {
  readonly port: number;
  readonly ended: Promise<unknown>;
  close(): void;
}

/** As a person would: `kubectl port-forward`. @param target such as service/minio */
export async function forward(kubeconfig: string, namespace: string, target: string, port: number): Promise<Forward> {
  const args = [`--kubeconfig=${kubeconfig}`, '--namespace', namespace, 'port-forward', target, `:${port}`];
  // It ends with this process, even when this one is killed.
  const command = ['--pdeathsig', 'KILL', kubernetesPart('kubectl'), ...args];
  const child = spawn('setpriv', command, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  const errors: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
  for await (const line of createInterface({ input: child.stdout })) {
    const [, found] = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line) ?? [];
    if (found !== undefined) return { port: Number(found), ended, close: () => void child.kill('SIGKILL') };
  }
  throw new Error(`kubectl port-forward ${target}: ${errors.join('; ')}`);
}
