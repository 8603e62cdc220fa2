/** Who takes part in the comparison of a cell. */
export const PEERS = ['services', 'services-own', 'one-process', 'one-process-own', 'eager', 'compile'] as const;
export type Peer = (typeof PEERS)[number];

/** As people read it. */
export const PEER_TITLES: Readonly<Record<Peer, string>> = {
  services: 'trikd, services',
  'services-own': 'trikd, services, own kernels',
  'one-process': 'trikd, one process',
  'one-process-own': 'trikd, one process, own kernels',
  eager: 'PyTorch eager',
  compile: 'PyTorch torch.compile',
};
