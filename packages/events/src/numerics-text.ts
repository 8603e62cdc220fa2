import type { Numerics } from '@trikd/protocol/gen/browser/trikd/v1/common';

/** What the bits of a model depend on besides the run file, as one line. */
export function numericsText(numerics: Numerics | undefined): string {
  if (!numerics) return 'what it did not report';
  const { tensorflow, device, processor, threads, precision, kernels } = numerics;
  const parts = [
    `TensorFlow ${tensorflow}`,
    `${device} (${processor})`,
    `${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    precision,
    `kernels ${kernels.join(' ')}`,
  ];
  return parts.join(', ');
}
