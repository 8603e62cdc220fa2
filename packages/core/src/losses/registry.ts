import type { Scalar } from '@trikd/engine';
import { z } from 'zod';
import { TrikdError } from '../domain/errors.js';
import { dist } from './dist.js';
import { dkd } from './dkd.js';
import { kl } from './kl.js';
import type { LossInputs } from './loss.js';
import { mlkd } from './mlkd.js';
import { mse } from './mse.js';
import { nkd } from './nkd.js';
import { reverseKl } from './reverse-kl.js';
import { ttm } from './ttm.js';
import { wttm } from './wttm.js';

/** Every distillation loss. A new one is a file, and a place in this list. */
export const LOSSES = [kl, reverseKl, mse, dkd, nkd, dist, ttm, wttm, mlkd] as const;

const [first, ...others] = LOSSES;

/** A distillation loss and its knobs, as a term of an objective names it. */
export const LossSpec = z.discriminatedUnion('kind', [first.schema, ...others.map(({ schema }) => schema)]);
export type LossSpec = z.infer<typeof LossSpec>;

/** What a term without a loss has. */
const DEFAULT = kl.schema.parse({ kind: 'kl' });

/** Whether a loss needs one label for each row. @param spec undefined for `kl` */
export function needsLabel(spec: LossSpec | undefined): boolean {
  return LOSSES.some((loss) => loss.needsLabel && loss.kind === spec?.kind);
}

/** Whether a loss compares the rows of a batch with each other. @param spec undefined for `kl` */
export function comparesRows(spec: LossSpec | undefined): boolean {
  return LOSSES.some((loss) => loss.kind === spec?.kind && loss.comparesRows(spec));
}

/**
 * The value of a distillation loss before the weight of its term.
 * @param spec undefined for `kl`
 */
export function lossValue(spec: LossSpec | undefined, inputs: LossInputs): Scalar {
  const chosen = spec ?? DEFAULT;
  const loss = LOSSES.find(({ kind }) => kind === chosen.kind);
  if (!loss) throw new TrikdError('invalid', `there is no distillation loss ${chosen.kind}`);
  return loss.value(inputs, chosen);
}
