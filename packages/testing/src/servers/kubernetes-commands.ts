/** The command lines of an etcd and of an API server on it. */
import { dirname, join } from 'node:path';
import { goTool } from './go-tool.js';

export interface EtcdOptions {
  readonly folder: string;
  readonly port: number;
  readonly peerPort: number;
}

/** A part of Kubernetes by its name, such as kube-apiserver. @throws when it cannot be had */
export function kubernetesPart(name: string): string {
  return join(dirname(goTool('kubernetes')), name);
}

/** An etcd that loses what it stores when the machine crashes. */
export function etcdCommand({ folder, port, peerPort }: EtcdOptions): readonly string[] {
  const peer = `http://127.0.0.1:${peerPort}`;
  const client = `http://127.0.0.1:${port}`;
  return [
    kubernetesPart('etcd'),
    `--data-dir=${folder}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--unsafe-no-fsync',
    '--log-level=error',
  ];
}

/** An API server with the admission and the authorization of a real cluster. */
export function apiServerCommand(etcdPort: number, args: readonly string[]): readonly string[] {
  return [
    kubernetesPart('kube-apiserver'),
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    '--authorization-mode=Node,RBAC',
    '--service-cluster-ip-range=10.96.0.0/16',
    '--service-account-issuer=https://kubernetes.default.svc',
    '--service-account-jwks-uri=https://kubernetes.default.svc/openid/v1/jwks',
    ...args,
  ];
}
