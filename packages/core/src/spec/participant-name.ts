import { z } from 'zod';

/** The name of a model of a stage. */
export const ParticipantName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, 'lower-case letters, digits and dashes, at most 31');
