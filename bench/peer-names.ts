/** Who takes part in the comparison of a cell. */
export const PEERS = [
  'services',
  'services-tensorflow',
  'one-process',
  'one-process-tensorflow',
  'eager',
  'compile',
] as const;
export type Peer = (typeof PEERS)[number];

/** As people read it. */
export const PEER_TITLES: Readonly<Record<Peer, string>> = {
  services: 'trikd, services',
  'services-tensorflow': 'trikd, services, kernels of TensorFlow',
  'one-process': 'trikd, one process',
  'one-process-tensorflow': 'trikd, one process, kernels of TensorFlow',
  eager: 'PyTorch eager',
  compile: 'PyTorch torch.compile',
};
