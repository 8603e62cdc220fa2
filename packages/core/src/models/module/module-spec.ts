import { z } from 'zod';

/** Bytes of the text of a module, at most: it is read and hashed whole. */
export const MOST_MODULE_BYTES = 256 * 1024;

/** Settings of a module, and numbers in a list of one, at most. */
const MOST_SETTINGS = 64;
/** Characters of a name or of a text in the settings, at most. */
const LONGEST_TEXT = 256;
/** Characters of a path: PATH_MAX of Linux. */
const LONGEST_PATH = 4096;

/** Where a function is: in the text of a module, which its digest identifies. */
export const moduleReference = {
  file: z
    .string()
    .max(LONGEST_PATH)
    .regex(/^\P{Cc}*\.(ts|mts|js|mjs)$/u, 'a file named *.ts, *.mts, *.js or *.mjs')
    .describe('path of the file, seen from the file of the run; a run that is created keeps its name alone'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hex')
    .optional()
    .describe('of the file; default: that of the file when the run is created'),
  export: z
    .string()
    .max(LONGEST_TEXT)
    .regex(/^[\p{L}_$][\p{L}\p{N}_$]*$/u, 'a name of JavaScript')
    .optional()
    .describe('which function of the file; default: its default export'),
  settings: z
    .record(
      z.string().max(LONGEST_TEXT),
      z.union([z.number(), z.boolean(), z.string().max(LONGEST_TEXT), z.array(z.number()).max(MOST_SETTINGS)]),
    )
    .refine((settings) => Object.keys(settings).length <= MOST_SETTINGS, `at most ${MOST_SETTINGS} settings`)
    .optional()
    .meta({ title: 'numbers, texts, true or false, or lists of numbers, by name' })
    .describe('what the function gets as `settings`; default: none'),
} as const;

/** A model that a function of the user makes. */
export const moduleModel = z.strictObject({
  kind: z.literal('module').describe('a LayersModel of TensorFlow.js that a function of your own makes'),
  ...moduleReference,
  head: z
    .enum(['task', 'own'])
    .optional()
    .describe(
      'task: the model puts out a vector for each image, and the head of the task follows; own: it puts out the logits, for the task classification; default: task',
    ),
});
export type ModuleModel = z.infer<typeof moduleModel>;
