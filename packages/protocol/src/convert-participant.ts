import { TrikdError, visible } from '@trikd/core/domain/errors';
import { LONGEST_NAME, MOST_KERNELS, type Numerics } from '@trikd/core/domain/numerics';
import { ParticipantName } from '@trikd/core/spec/fields';
import type { Numerics as NumericsMessage } from './gen/node/trikd/v1/common.js';

/** @throws TrikdError 'invalid' for what cannot be the name of a participant */
export function toParticipant(name: string): string {
  if (ParticipantName.safeParse(name).success) return name;
  throw new TrikdError('invalid', 'a participant has a name of lower-case letters, digits and dashes');
}

export function fromNumerics(numerics: Numerics | undefined): NumericsMessage | undefined {
  return numerics && { ...numerics, kernels: [...numerics.kernels] };
}

/** Texts are cut to what a manifest takes, with nothing that controls a terminal: no process loses an attempt by what it calls itself. */
export function toNumerics(message: NumericsMessage | undefined): Numerics | undefined {
  if (!message) return undefined;
  const { tensorflow, processor, kernels, device, threads, precision } = message;
  return {
    tensorflow: text(tensorflow),
    processor: text(processor),
    kernels: kernels.slice(0, MOST_KERNELS).map(text),
    device: text(device),
    threads,
    precision: text(precision),
  };
}

function text(said: string): string {
  return visible(said).slice(0, LONGEST_NAME).toWellFormed();
}
