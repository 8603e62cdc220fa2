import { TrikdError } from '../domain/errors.js';
import type { LogitsFrame } from './frame.js';

/**
 * Yields every step once, from `fromStep`. Frames that were already received, as after a reconnect, are dropped by
 * position.
 * @throws TrikdError 'out-of-step' at a gap: training across a gap would combine different batches
 */
export async function* inOrder(
  frames: AsyncIterable<LogitsFrame>,
  fromStep: number,
): AsyncGenerator<LogitsFrame, void> {
  let expected = fromStep;
  for await (const frame of frames) {
    const { step } = frame.position;
    if (step > expected) {
      throw new TrikdError('out-of-step', `expected step ${expected}, got ${step}`, { expected, step });
    }
    if (step < expected) continue;
    expected += 1;
    yield frame;
  }
}
