import { z } from 'zod';

const DAY = 24 * 60 * 60;

/** Longest duration that the spec of a run may name, in seconds: 30 days. */
export const MAX_SPEC_SECONDS = 30 * DAY;

/** Longest duration that the configuration of a service may name, in seconds: a day. */
export const MAX_SERVICE_SECONDS = DAY;

/** Shortest duration of a service that waits, in seconds: a shorter pause keeps a process busy with waiting. */
export const MIN_SERVICE_SECONDS = 0.01;

/** A duration in the configuration of a service, in seconds. */
export const ServiceSeconds = z.number().min(MIN_SERVICE_SECONDS).max(MAX_SERVICE_SECONDS);
