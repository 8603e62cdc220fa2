import { type Dataset, splitDataset } from '@trikd/core/data/split';
import { syntheticSource } from '@trikd/core/data/synthetic';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { PRESETS, type Preset, type WrittenPair, type WrittenSpec } from './presets.js';

/** Fields that replace those of a preset; those of a role replace one by one. */
export type SpecChanges = Readonly<Partial<Omit<WrittenSpec, 'student' | 'teacher'>>> & {
  readonly student?: Readonly<Partial<WrittenPair['student']>>;
  readonly teacher?: Readonly<Partial<WrittenPair['teacher']>>;
};

/** A preset with changes, as an author would write it: defaults left out. */
export function writtenSpec(preset: Preset, changes: SpecChanges = {}): WrittenPair {
  const written: WrittenPair = PRESETS[preset];
  return {
    ...written,
    ...changes,
    student: { ...written.student, ...changes.student },
    teacher: { ...written.teacher, ...changes.teacher },
  };
}

/** A preset with changes, complete. @throws ZodError when a change is no part of a spec */
export function specFor(preset: Preset, changes: SpecChanges = {}): RunSpec {
  return RunSpec.parse(writtenSpec(preset, changes));
}

/** The synthetic data of a spec. */
export function datasetFor({ data, seed }: Pick<RunSpec, 'data' | 'seed'>): Dataset {
  if (data.kind !== 'synthetic') throw new TypeError(`the data of the spec are ${data.kind}, not synthetic`);
  return splitDataset(syntheticSource(data, seed), data, seed);
}
