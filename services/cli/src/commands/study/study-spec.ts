import { z } from 'zod';

/** Runs of a study, at most. */
export const MOST_CELLS = 20_000;

/** Seeds of an arm, at most. */
const MOST_SEEDS = 1000;

const Name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/, 'lower-case letters, digits and dashes, 31 at most');

/** Settings of a run that replace others; null takes a setting away. */
const Settings = z.record(z.string(), z.unknown());

const Seeds = z.union([z.int().min(1).max(MOST_SEEDS), z.array(z.int().min(0).max(0xffffffff)).min(1).max(MOST_SEEDS)]);

export const ArmSpec = z.strictObject({
  run: Settings.prefault({}).describe('settings of its runs, over those of the study; null takes a setting away'),
  compute: Name.optional().describe('the arm whose compute it gets: its epochs are scaled until both cost the same'),
  seeds: Seeds.optional().describe('default: those of the study'),
});
export type ArmSpec = z.infer<typeof ArmSpec>;

/** A comparison of methods: every arm in every setting with every seed. */
export const StudySpec = z
  .strictObject({
    name: Name,
    run: Settings.describe('settings of all runs, as in the file of a run; name and seed are given by the study'),
    settings: z.record(Name, Settings).optional().describe('circumstances that all arms are compared in, by name'),
    arms: z.record(Name, ArmSpec).describe('what is compared, by name'),
    seeds: Seeds.prefault(5).describe('seeds of each arm, or how many, from 0 on'),
    baselines: z.array(Name).prefault([]).describe('arms that the others are compared with, in pairs of one seed'),
  })
  .superRefine(({ arms, baselines }, context) => {
    const report = (path: (string | number)[], arm: string) =>
      context.addIssue({ code: 'custom', path, message: `there is no arm ${arm}` });
    for (const [index, arm] of baselines.entries()) if (!arms[arm]) report(['baselines', index], arm);
    for (const [name, { compute }] of Object.entries(arms)) {
      if (compute === undefined) continue;
      if (!arms[compute]) report(['arms', name, 'compute'], compute);
      else if (arms[compute].compute !== undefined) {
        const message = `${compute} has the compute of another arm itself`;
        context.addIssue({ code: 'custom', path: ['arms', name, 'compute'], message });
      }
    }
  });
export type StudySpec = z.infer<typeof StudySpec>;

/** The seeds that a study or an arm names. */
export function seedsOf(seeds: z.infer<typeof Seeds>): readonly number[] {
  return typeof seeds === 'number' ? Array.from({ length: seeds }, (_, seed) => seed) : seeds;
}
