import { TrikdError } from '../domain/errors.js';
import type { Position } from '../domain/position.js';
import type { LogitsFrame } from './frame.js';
import { type FrameFormat, formatIn, formatText, type SentLogits } from './frame.js';
import { fromSent } from './sent-logits.js';

/** What a step expects of a frame before it learns from the logits. */
export interface ExpectedFrame {
  readonly position: Position;
  /** Digest, hex, of the batch that this process derived for the step. */
  readonly batchDigest: string;
  readonly rows: number;
  readonly cols: number;
  readonly format: FrameFormat;
}

/**
 * The logits of a frame, row-major, unless the step must not learn from them. A model checks its own logits before it sends them, so a frame with
 * one that is not finite was changed on its way or is of another sender: that is no reason not to try again.
 * @param from names the sending model in the message
 * @throws TrikdError 'out-of-step' for another position, batch, shape or format, for classes that are not those of a row, and for a logit
 * that is not finite
 */
export function checkFrame(frame: LogitsFrame, expected: ExpectedFrame, from: string): Float32Array {
  assertPosition(frame.position, expected.position, from);
  const step = expected.position.step;
  if (frame.batchDigest !== expected.batchDigest) {
    throw new TrikdError(
      'out-of-step',
      `the ${from} saw another batch at step ${step}: digest ${frame.batchDigest.slice(0, 64)}`,
      { step, theirs: frame.batchDigest, mine: expected.batchDigest },
    );
  }
  assertShape(frame.logits, expected, from);
  const { cols } = expected;
  const logits = fromSent(frame.logits);
  for (let i = 0; i < logits.length; i++) {
    if (!Number.isFinite(logits[i])) {
      const [row, col] = [Math.floor(i / cols), i % cols];
      throw new TrikdError(
        'out-of-step',
        `the ${from} sent ${logits[i]} in row ${row}, column ${col} at step ${step}`,
        {
          step,
          row,
          col,
        },
      );
    }
  }
  return logits;
}

function assertShape(logits: SentLogits, expected: ExpectedFrame, from: string): void {
  const { rows, cols, data, top } = logits;
  const { step } = expected.position;
  const { topK } = expected.format;
  const format = formatIn(logits);
  const each = top ? (topK ?? 0) : cols;
  if (rows !== expected.rows || cols !== expected.cols || (!top && data.length !== rows * cols)) {
    throw new TrikdError(
      'out-of-step',
      `the ${from} sent ${rows}x${cols} logits with ${data.length} values at step ${step}, ` +
        `expected ${expected.rows}x${expected.cols}`,
      { step, rows, cols },
    );
  }
  const isExpected = format.precision === expected.format.precision && format.topK === topK;
  if (!isExpected || data.length !== rows * each || (top && top.rest.length !== rows)) {
    const [theirs, ours] = [formatText(format), formatText(expected.format)];
    throw new TrikdError('out-of-step', `the ${from} sent ${theirs} at step ${step}, expected ${ours}`, { step });
  }
  if (top && topK !== undefined) assertAscending(top.classes, topK, cols, `the ${from}`, step);
}

/** Otherwise a class would have two logits, or one beside its row. */
function assertAscending(classes: Uint16Array, k: number, cols: number, who: string, step: number): void {
  for (let i = 0; i < classes.length; i++) {
    const previous = i % k === 0 ? -1 : classes[i - 1]!;
    if (classes[i]! > previous && classes[i]! < cols) continue;
    throw new TrikdError(
      'out-of-step',
      `${who} sent class ${classes[i]} after ${previous} in row ${Math.floor(i / k)} at step ${step}, of ${cols} classes`,
      { step },
    );
  }
}

function assertPosition(theirs: Position, mine: Position, from: string): void {
  const wrong = (['runId', 'stage', 'attempt', 'step'] as const).filter((field) => theirs[field] !== mine[field]);
  if (wrong.length === 0) return;
  const said = wrong.map((field) => `${NAMES[field]} ${theirs[field]}, expected ${mine[field]}`).join('; ');
  throw new TrikdError('out-of-step', `the ${from} sent ${said}`, { theirs, mine });
}

const NAMES: Readonly<Record<keyof Position, string>> = {
  runId: 'run',
  stage: 'stage',
  attempt: 'attempt',
  step: 'step',
};
