/** Addresses in the network of the cluster, which nothing outside it can reach. */

/** Where the API server, CoreDNS and the first node listen. */
export const CONTROL_PLANE = '10.200.0.1';
/** The API server as pods see it: the first address of all Services. */
export const API_SERVICE = '10.96.0.1';
export const API_PORT = 6443;
export const ETCD_PORT = 2379;
export const ETCD_PEER_PORT = 2380;
/** The registry of images. A container runtime takes images without TLS from the loopback interface only. */
export const REGISTRY = '127.0.0.1:5000';

/** Address of a node, counted from 1. */
export function nodeAddress(node: number): string {
  return `10.200.0.${node}`;
}

/** Where the pods of a node get their addresses from. */
export function podSubnet(node: number): string {
  return `10.244.${node}.0/24`;
}

export const POD_NETWORK = '10.244.0.0/16';
