import { TrikdError } from '../domain/errors.js';
import type { Position } from '../domain/position.js';
import type { LogitsFrame } from './frame.js';

/** What a step expects of a frame before it learns from the logits. */
export interface ExpectedFrame {
  readonly position: Position;
  /** Digest, hex, of the batch that this process derived for the step. */
  readonly batchDigest: string;
  readonly rows: number;
  readonly cols: number;
}

/**
 * Rejects a frame that the step must not learn from. A model checks its own logits before it sends them, so a frame with
 * one that is not finite was changed on its way or is of another sender: that is no reason not to try again.
 * @param from names the sending model in the message
 * @throws TrikdError 'out-of-step' for another position, batch or shape, and for a logit that is not finite
 */
export function checkFrame(frame: LogitsFrame, expected: ExpectedFrame, from: string): void {
  assertPosition(frame.position, expected.position, from);
  const step = expected.position.step;
  if (frame.batchDigest !== expected.batchDigest) {
    throw new TrikdError(
      'out-of-step',
      `the ${from} saw another batch at step ${step}: digest ${frame.batchDigest.slice(0, 64)}`,
      { step, theirs: frame.batchDigest, mine: expected.batchDigest },
    );
  }
  const { rows, cols, data } = frame.logits;
  if (rows !== expected.rows || cols !== expected.cols || data.length !== rows * cols) {
    throw new TrikdError(
      'out-of-step',
      `the ${from} sent ${rows}x${cols} logits with ${data.length} values at step ${step}, ` +
        `expected ${expected.rows}x${expected.cols}`,
      { step, rows, cols },
    );
  }
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i])) {
      const [row, col] = [Math.floor(i / cols), i % cols];
      throw new TrikdError('out-of-step', `the ${from} sent ${data[i]} in row ${row}, column ${col} at step ${step}`, {
        step,
        row,
        col,
      });
    }
  }
}

function assertPosition(theirs: Position, mine: Position, from: string): void {
  const wrong = (['runId', 'generation', 'attempt', 'step'] as const).filter((field) => theirs[field] !== mine[field]);
  if (wrong.length === 0) return;
  const said = wrong.map((field) => `${NAMES[field]} ${theirs[field]}, expected ${mine[field]}`).join('; ');
  throw new TrikdError('out-of-step', `the ${from} sent ${said}`, { theirs, mine });
}

const NAMES: Readonly<Record<keyof Position, string>> = {
  runId: 'run',
  generation: 'generation',
  attempt: 'attempt',
  step: 'step',
};
