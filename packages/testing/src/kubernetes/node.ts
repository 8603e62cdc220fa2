import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kubernetesPart } from '../servers/kubernetes-commands.js';
import type { KubernetesCredentials } from '../servers/kubernetes-credentials.js';
import { API_PORT, CONTROL_PLANE, nodeAddress, podSubnet, REGISTRY } from './addresses.js';
import type { Inhabitant, Namespaces } from './namespaces.js';

export interface NodeOptions {
  /** Counted from 1. */
  readonly number: number;
  /** Everything of the cluster; each node has a folder in it. */
  readonly folder: string;
  /** Folder of containerd, runc and others. */
  readonly runtime: string;
  /** Control group of the cluster. */
  readonly cgroup: string;
  readonly credentials: KubernetesCredentials;
}

export function nodeName(number: number): string {
  return `node-${number}`;
}

/** Starts a container runtime and a kubelet, which makes a node of this machine. Several nodes are several of both. */
export function startNode(namespaces: Namespaces, options: NodeOptions): readonly Inhabitant[] {
  const name = nodeName(options.number);
  const folder = join(options.folder, name);
  mkdirSync(join(folder, 'cni'), { recursive: true });
  const write = (file: string, text: string) => {
    writeFileSync(join(folder, file), text);
    return join(folder, file);
  };
  write('cni/10-pods.conflist', JSON.stringify(podNetwork(options, folder)));
  const containerd = write('containerd.toml', containerdConfig(options, folder));
  const kubelet = write('kubelet.json', JSON.stringify(kubeletConfig(options, folder)));
  const kubeconfig = options.credentials.kubeconfig(`system:node:${name}`, `https://${CONTROL_PLANE}:${API_PORT}`);
  return [
    namespaces.start(`${name}-containerd`, ['containerd', '--config', containerd]),
    namespaces.start(`${name}-kubelet`, [
      kubernetesPart('kubelet'),
      `--config=${kubelet}`,
      `--kubeconfig=${kubeconfig}`,
      `--hostname-override=${name}`,
      `--node-ip=${nodeAddress(options.number)}`,
      `--root-dir=${join(folder, 'kubelet')}`,
      `--cert-dir=${join(folder, 'certificates')}`,
    ]),
  ];
}

/** A bridge for the pods of the node; the kernel routes between the bridges. */
function podNetwork({ number }: NodeOptions, folder: string): object {
  return {
    cniVersion: '1.0.0',
    name: `pods-${number}`,
    plugins: [
      {
        type: 'bridge',
        bridge: `pods${number}`,
        isGateway: true,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          ranges: [[{ subnet: podSubnet(number) }]],
          routes: [{ dst: '0.0.0.0/0' }],
          dataDir: join(folder, 'addresses'),
        },
      },
    ],
  };
}

function containerdConfig({ runtime }: NodeOptions, folder: string): string {
  return `version = 2
root = "${folder}/containerd"
state = "${folder}/containerd-run"
[grpc]
address = "${folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${REGISTRY}/pause:1"
# Lowering it needs a right that root lacks on some machines.
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "${join(runtime, '..', 'cni')}"
conf_dir = "${folder}/cni"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = "${join(runtime, 'runc')}"
SystemdCgroup = false
`;
}

function kubeletConfig({ number, cgroup }: NodeOptions, folder: string): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    containerRuntimeEndpoint: `unix://${folder}/containerd.sock`,
    address: nodeAddress(number),
    healthzPort: 0,
    // Only this cluster can reach it.
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroup}/${nodeName(number)}`,
    failCgroupV1: false,
    failSwapOn: false,
    // Lowering it needs a right that root lacks on some machines.
    oomScoreAdj: 0,
    clusterDNS: [CONTROL_PLANE],
    clusterDomain: 'cluster.local',
    resolvConf: '',
    // The disk is the machine's, which may be nearly full of other things.
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    imageGCHighThresholdPercent: 100,
    // How soon pods see a changed Secret.
    syncFrequency: '10s',
    podLogsDir: join(folder, 'logs'),
    // The cluster goes away at once.
    shutdownGracePeriod: '0s',
  };
}
