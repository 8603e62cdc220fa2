import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Numerics } from '@trikd/core/domain/numerics';
import { z } from 'zod';
import type { Cell } from './cells.js';

/** The rows of a study so far, a line of JSON each. A last line that was cut off is left out. */
export function readRows(file: string): readonly Row[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line, index) => {
    if (line.trim() === '') return [];
    const parsed = Row.safeParse(jsonOf(line));
    if (parsed.success) return [parsed.data];
    // Every complete line ends: what follows the last end was being written.
    if (index === lines.length - 1) return [];
    throw new TrikdError(
      'corrupt',
      `${file}:${index + 1} is no result of a study; remove the line to train its run again`,
    );
  });
}

/** Removes a last line that was cut off, so that the next row begins a line. */
export function removeCutLine(file: string): void {
  if (!existsSync(file)) return;
  const bytes = readFileSync(file);
  const end = bytes.lastIndexOf('\n') + 1;
  if (end < bytes.length) truncateSync(file, end);
}

export function appendRow(file: string, row: Row): void {
  appendFileSync(file, `${JSON.stringify(row)}\n`);
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const Metrics = z.record(z.string(), z.number());

/** How one model of a stage validated best. */
const Best = z.object({ step: z.int(), validation: Metrics, test: Metrics.optional() });

/** What one run of a study came to: a line of its file of results. */
export const Row = z.object({
  setting: z.string(),
  arm: z.string(),
  seed: z.int(),
  /** SHA-256, hex, of the spec: `trikd study --show` prints the spec. */
  digest: z.string(),
  /** Of the command. */
  version: z.string(),
  /** TensorFlow, and the processor. */
  numerics: z.string(),
  /** The student that validated best, as the run's rules choose it. */
  result: z.object({
    stage: z.string(),
    /** Steps of its stage before it. */
    step: z.int(),
    /** SHA-256, hex, of its params. */
    params: z.string(),
    train: Metrics,
    validation: Metrics,
    test: Metrics,
    /** With logits divided by the temperature that is best on the validation split. */
    calibrated: z.object({ temperature: z.number(), test: Metrics }).optional(),
  }),
  stages: z.array(z.object({ name: z.string(), steps: z.int(), learners: z.record(z.string(), Best) })),
  /** Multiplications with an addition in training, of the steps that were trained. */
  compute: z.number(),
  /** Processor seconds of training, validation included, of all threads; absent for a run of an orchestrator, which does not count them. */
  processorSeconds: z.number().optional(),
  /** Of training. */
  seconds: z.number(),
});
export type Row = z.infer<typeof Row>;

/** The run of a row. */
export function rowKey({ setting, arm, seed, digest }: Cell): Pick<Row, 'setting' | 'arm' | 'seed' | 'digest'> {
  return { setting, arm, seed, digest };
}

/** What a row says of the program and the machine that computed. */
export function numericsText({ tensorflow, processor }: Pick<Numerics, 'tensorflow' | 'processor'>): string {
  return `TensorFlow ${tensorflow}, ${processor}`;
}
