import { TrikdError } from '../domain/errors.js';
import type { LogitsFrame } from './frame.js';

/**
 * Every step once, from `fromStep`: frames that came already, as after a reconnect, are dropped by their position.
 * @throws TrikdError 'out-of-step' at a gap: training on across one would pair the wrong batches.
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
