// Apart from frame.ts: this loads the engine, which a command that only knows the format of frames does not need.
import { fromFloat16, largestLogits, toFloat16 } from '@trikd/engine';
import { TrikdError } from '../domain/errors.js';
import { LARGEST_FLOAT16 } from '../domain/float16.js';
import type { Matrix } from '../domain/matrix.js';
import type { FrameFormat, SentLogits, SentNumbers } from './frame.js';

/**
 * What is sent of the logits of a model. With `topK` those are the k largest of each row, and one number in the place of all others:
 *
 *     r = ln( Σ_{i not sent} exp z_i / (C - k) )
 *
 * The others keep their total probability at temperature 1 and share it evenly, so the probabilities of the classes that are sent stay as
 * they were. Numbers are rounded last.
 * @param of names the model and the step in the message
 * @throws TrikdError 'diverged' for a number that the precision does not reach
 */
export function toSent(logits: Matrix, { precision, topK }: FrameFormat, of: string): SentLogits {
  const { rows, cols, data } = logits;
  const round = (numbers: Float32Array) => (precision === 'float32' ? numbers : reached(numbers, of));
  if (topK === undefined) return precision === 'float32' ? logits : { rows, cols, data: round(data) };
  const { classes, rest } = largestLogits(data, cols, topK);
  const largest = Float32Array.from(classes, (column, i) => data[Math.floor(i / topK) * cols + column]!);
  return { rows, cols, data: round(largest), top: { classes, rest: round(rest) } };
}

/** All logits, row-major, as a receiver learns from them. Of float32 they are the memory of the frame itself. */
export function fromSent({ rows, cols, data, top }: SentLogits): Float32Array {
  const sent = floats(data);
  if (!top) return sent;
  const all = new Float32Array(rows * cols);
  const rest = floats(top.rest);
  const k = sent.length / rows;
  for (let row = 0; row < rows; row++) {
    all.fill(rest[row]!, row * cols, (row + 1) * cols);
    for (let i = row * k; i < (row + 1) * k; i++) all[row * cols + top.classes[i]!] = sent[i]!;
  }
  return all;
}

function floats(numbers: SentNumbers): Float32Array {
  return numbers instanceof Float32Array ? numbers : fromFloat16(numbers);
}

function reached(numbers: Float32Array, of: string): Uint16Array {
  const { halves, beyond } = toFloat16(numbers);
  // What is no number stays none: the receiver says so.
  if (beyond === undefined) return halves;
  throw new TrikdError(
    'diverged',
    `${of} has a logit of ${numbers[beyond]}, and float16 ends at ${LARGEST_FLOAT16}: leave out exchange.precision`,
  );
}
