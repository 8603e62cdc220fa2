import { z } from 'zod';
import { method } from './method.js';
import { trikd } from './trikd.js';

const Knobs = z.strictObject({
  kind: z.literal('label-anchor').describe('as trikd, with a first anchor that has learned from the labels alone'),
});

/** TriKD whose generation 0 is the student alone: what the anchor of the first generation with a teacher owes to distillation. */
export const labelAnchor = method({
  knobs: Knobs,
  uses: trikd.uses,
  stages: (run) => trikd.stages(run, { kind: 'trikd', anchorTeaches: 'both', firstAnchor: 'labels' }),
});
