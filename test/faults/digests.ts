import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { canonicalJson } from '@trikd/core/domain/canonical-json';
import type { StageResult } from '@trikd/core/run/state';
import { RunSpec } from '@trikd/core/spec/run-spec';

const REFERENCE = fileURLToPath(new URL('../e2e/reference-process.ts', import.meta.url));

type Reported = Omit<StageResult, 'pair'>;

/** The results of a run as one text: digests of all params, statistics and slots, and all scores. */
export function digestsOf(results: readonly Reported[]): string {
  const rows = results.map(({ stage, steps, promoted, learners, frozen = {}, candidate = '' }) => {
    const named = Object.entries(learners).map(([name, { best, stateSha256 }]) => {
      const { step, params, validation, test = {} } = best;
      return [name, { stateSha256, best: { step, params: params.sha256, validation, test } }] as const;
    });
    return { stage, steps, promoted, frozen, candidate, learners: Object.fromEntries(named) };
  });
  // With sorted keys: what has been in the store has its learners and metrics in another order.
  return JSON.stringify(JSON.parse(canonicalJson(rows)), undefined, 1);
}

/** The same of a run that one process trains by itself, without services. */
export async function referenceDigests(spec: object): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [REFERENCE, canonicalJson(RunSpec.parse(spec))]);
  const results: readonly Reported[] = JSON.parse(stdout);
  return digestsOf(results);
}
