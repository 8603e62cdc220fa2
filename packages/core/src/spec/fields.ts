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

const DAY = 24 * 60 * 60;

/** Longest duration that the spec of a run may name, in seconds: 30 days. */
export const MAX_SPEC_SECONDS = 30 * DAY;

/** Longest duration that the configuration of a service may name, in seconds: a day. */
export const MAX_SERVICE_SECONDS = DAY;

/** Shortest duration of a service that waits, in seconds: a shorter pause keeps a process busy with waiting. */
export const MIN_SERVICE_SECONDS = 0.01;

/** A duration in the configuration of a service, in seconds. */
export const ServiceSeconds = z.number().min(MIN_SERVICE_SECONDS).max(MAX_SERVICE_SECONDS);

/** The name of a model of a stage. */
export const ParticipantName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, 'lower-case letters, digits and dashes, at most 31');

/** A mistake in a spec. */
export interface SpecProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}
