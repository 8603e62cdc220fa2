import { type RunSpec, specDigest } from '@trikd/core/spec/run-spec';
import { type Cell, LONGEST_NAME } from '../cells.js';

/** The run of a cell as an orchestrator gets it. */
export interface RunOfCell {
  /** Its name. */
  readonly runId: string;
  readonly spec: RunSpec;
  /** SHA-256, hex, of this spec, which has another name than that of the cell. */
  readonly digest: string;
}

/** Characters of the digest in the name of a run. */
const DIGITS = 12;

/**
 * The run of a cell. Its name has the digest of the spec of the cell, so that the same cell always has the same run, and a study whose
 * settings change has other runs. The name decides no bit of the result. Generations follow each other as in `trikd study`.
 */
export function runOfCell({ spec, digest }: Pick<Cell, 'spec' | 'digest'>): RunOfCell {
  const name = `${spec.name.slice(0, LONGEST_NAME - DIGITS - 1)}-${digest.slice(0, DIGITS)}`;
  const own: RunSpec = { ...spec, name, curriculum: { ...spec.curriculum, advance: 'automatic' } };
  return { runId: name, spec: own, digest: specDigest(own) };
}
