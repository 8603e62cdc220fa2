import { z } from 'zod';
import type { KubernetesObject } from './chart.js';

const Selector = z.strictObject({
  matchLabels: z.record(z.string(), z.string()).default({}),
  matchExpressions: z
    .array(z.strictObject({ key: z.string(), operator: z.literal('In'), values: z.array(z.string()) }))
    .default([]),
});
type Selector = z.infer<typeof Selector>;

const Peer = z.strictObject({
  // Addresses outside of the cluster: pods are matched by selectors.
  ipBlock: z.unknown().optional(),
  namespaceSelector: Selector.optional(),
  podSelector: Selector.optional(),
});

const Ports = z
  .array(z.strictObject({ port: z.union([z.string(), z.int()]), protocol: z.enum(['TCP', 'UDP']) }))
  .min(1);

const NetworkPolicy = z.looseObject({
  metadata: z.looseObject({ namespace: z.string() }),
  spec: z.strictObject({
    podSelector: Selector,
    policyTypes: z.tuple([z.literal('Ingress'), z.literal('Egress')]),
    ingress: z.array(z.strictObject({ from: z.array(Peer).min(1), ports: Ports })).default([]),
    egress: z.array(z.strictObject({ to: z.array(Peer).min(1), ports: Ports })).default([]),
  }),
});
export type NetworkPolicy = z.infer<typeof NetworkPolicy>;

/** What network policies see of a pod. */
export interface Pod {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Numbers of the named ports of its containers. */
  readonly ports: ReadonlyMap<string, number>;
  readonly serviceAccount?: string;
}

/** The policies among objects. Each has both directions, and a rule of each names peers and ports: otherwise it would allow all. */
export function policiesIn(objects: readonly KubernetesObject[]): readonly NetworkPolicy[] {
  return objects.filter(({ kind }) => kind === 'NetworkPolicy').map((object) => NetworkPolicy.parse(object));
}

/** Whether policies let one pod open a connection to a port of another one. */
export function isAllowed(policies: readonly NetworkPolicy[], from: Pod, to: Pod, port: number): boolean {
  const isPort = (ports: z.infer<typeof Ports>) =>
    ports.some((each) => each.protocol === 'TCP' && (to.ports.get(`${each.port}`) ?? each.port) === port);
  const out = policiesFor(policies, from);
  const into = policiesFor(policies, to);
  const mayLeave = out.some(({ metadata, spec }) =>
    spec.egress.some((rule) => isPort(rule.ports) && rule.to.some((peer) => isPeer(peer, metadata.namespace, to))),
  );
  const mayEnter = into.some(({ metadata, spec }) =>
    spec.ingress.some((rule) => isPort(rule.ports) && rule.from.some((peer) => isPeer(peer, metadata.namespace, from))),
  );
  // A pod that no policy selects is free.
  return (out.length === 0 || mayLeave) && (into.length === 0 || mayEnter);
}

function policiesFor(policies: readonly NetworkPolicy[], { namespace, labels }: Pod): readonly NetworkPolicy[] {
  return policies.filter(({ metadata, spec }) => metadata.namespace === namespace && selects(spec.podSelector, labels));
}

function isPeer(peer: z.infer<typeof Peer>, own: string, { namespace, labels }: Pod): boolean {
  if (!peer.namespaceSelector && !peer.podSelector) return false;
  const isNamespace = peer.namespaceSelector
    ? selects(peer.namespaceSelector, { 'kubernetes.io/metadata.name': namespace })
    : namespace === own;
  return isNamespace && (peer.podSelector === undefined || selects(peer.podSelector, labels));
}

function selects({ matchLabels, matchExpressions }: Selector, labels: Readonly<Record<string, string>>): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, values }) => labels[key] !== undefined && values.includes(labels[key]))
  );
}
