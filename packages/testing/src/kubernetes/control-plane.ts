import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { goTool } from '../servers/go-tool.js';
import { apiServerCommand, etcdCommand, kubernetesPart } from '../servers/kubernetes-commands.js';
import type { KubernetesCredentials, KubernetesUsers } from '../servers/kubernetes-credentials.js';
import { API_PORT, API_SERVICE, CONTROL_PLANE, ETCD_PEER_PORT, ETCD_PORT, POD_NETWORK } from './addresses.js';
import type { Inhabitant, Namespaces } from './namespaces.js';

export const ADMIN = 'admin';
const DNS = 'coredns';

/** Names and addresses by which the API server is called. */
export const API_HOSTS = [
  'localhost',
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  '127.0.0.1',
  CONTROL_PLANE,
  API_SERVICE,
];

/** All users of the cluster, with a kubelet for each node. */
export function clusterUsers(nodes: readonly string[]): KubernetesUsers {
  return {
    [ADMIN]: ['system:masters'],
    [DNS]: ['system:masters'],
    'system:kube-controller-manager': [],
    'system:kube-scheduler': [],
    'system:kube-proxy': [],
    ...Object.fromEntries(nodes.map((node) => [`system:node:${node}`, ['system:nodes']])),
  };
}

/** Starts etcd and the API server; the others wait until it answers. */
export function startApiServer(namespaces: Namespaces, folder: string, credentials: KubernetesCredentials) {
  const etcd = { folder: join(folder, 'etcd'), port: ETCD_PORT, peerPort: ETCD_PEER_PORT };
  return [
    namespaces.start('etcd', etcdCommand(etcd)),
    namespaces.start(
      'kube-apiserver',
      apiServerCommand(ETCD_PORT, [
        ...credentials.args,
        `--secure-port=${API_PORT}`,
        `--advertise-address=${CONTROL_PLANE}`,
        // Names of nodes are in no DNS.
        '--kubelet-preferred-address-types=InternalIP',
      ]),
    ),
  ];
}

/** Starts what makes pods of Jobs and Deployments, finds nodes for them, and lets Services reach them. */
export function startControllers(
  namespaces: Namespaces,
  folder: string,
  credentials: KubernetesCredentials,
): readonly Inhabitant[] {
  const server = `https://${CONTROL_PLANE}:${API_PORT}`;
  const access = (user: string) => {
    const kubeconfig = credentials.kubeconfig(user, server);
    return ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map(
      (flag) => `--${flag}=${kubeconfig}`,
    );
  };
  const proxy = join(folder, 'kube-proxy.json');
  writeFileSync(
    proxy,
    JSON.stringify({
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      mode: 'iptables',
      clusterCIDR: POD_NETWORK,
      clientConnection: { kubeconfig: credentials.kubeconfig('system:kube-proxy', server) },
      // Limits of connections belong to the whole machine.
      conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
      hostnameOverride: 'node-1',
    }),
  );
  const corefile = join(folder, 'Corefile');
  writeFileSync(
    corefile,
    `.:53 {
  bind ${CONTROL_PLANE}
  errors
  cache 2
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${credentials.kubeconfig(DNS, server)} trikd
  }
}
`,
  );
  return [
    namespaces.start('kube-controller-manager', [
      kubernetesPart('kube-controller-manager'),
      ...access('system:kube-controller-manager'),
      `--service-account-private-key-file=${credentials.serviceAccountKey}`,
      `--root-ca-file=${credentials.ca}`,
      '--use-service-account-credentials',
      '--leader-elect=false',
      '--bind-address=127.0.0.1',
    ]),
    namespaces.start('kube-scheduler', [
      kubernetesPart('kube-scheduler'),
      ...access('system:kube-scheduler'),
      '--leader-elect=false',
      '--bind-address=127.0.0.1',
    ]),
    // One for all nodes: they share a network.
    namespaces.start('kube-proxy', [kubernetesPart('kube-proxy'), `--config=${proxy}`]),
    namespaces.start('coredns', [goTool('coredns'), '-conf', corefile]),
  ];
}
