/** Who takes part in the comparison of a cell. */
export const PEERS = ['services', 'one-process', 'eager', 'compile'] as const;
export type Peer = (typeof PEERS)[number];

/** As people read it. */
export const PEER_TITLES: Readonly<Record<Peer, string>> = {
  services: 'trikd, services',
  'one-process': 'trikd, one process',
  eager: 'PyTorch eager',
  compile: 'PyTorch torch.compile',
};
