import { expect, test } from 'vitest';
import { float32 } from './dtype.js';
import { traceFunctions, withSession } from './testing/programs.js';
import { tf } from './tfjs-internals/tf.js';

/** Numbers of a tensor of 64 MiB, which is more than malloc ever keeps for later, and the pages of one. */
const NUMBERS = 2 ** 24;
const PAGES = (4 * NUMBERS) / 4096;

const program = traceFunctions({
  large: {
    inputs: { x: float32() },
    body: ({ inputs }) => ({ sum: tf.sum(tf.sin(tf.add(tf.linspace(0, 1, NUMBERS), inputs.x!))) }),
  },
});

test('a run computes in the memory that the tensors of the run before have left', async () => {
  await withSession(program, async (session) => {
    const run = () => session.run('large', { x: 1 });
    await run();
    const before = process.resourceUsage().minorPageFault;
    await run();
    await run();
    expect(process.resourceUsage().minorPageFault - before).toBeLessThan(PAGES / 4);
  });
});
