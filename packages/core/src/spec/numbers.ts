import { z } from 'zod';

/** The largest count of anything in a spec. A step is a uint32 on the wire, and so is what a generator of random numbers counts. */
export const MOST = 0xffff_ffff;

/** The largest real number in a spec: single precision, in which models are trained, goes little further. */
const LARGEST = 1e38;

/** Side of an image, channels of an image or a layer, classes: the largest of each. */
export const WIDEST = 65_536;

/** A whole number above 0. */
export const Positive = z.int().positive().max(MOST);

/** A whole number from 0 on. */
export const Count = z.int().min(0).max(MOST);

/** The size of something along one axis. */
export const Size = z.int().positive().max(WIDEST);

/** A real number from 0 on. */
export const Amount = z.number().min(0).max(LARGEST);

/** A real number above 0. */
export const PositiveAmount = z.number().positive().max(LARGEST);
