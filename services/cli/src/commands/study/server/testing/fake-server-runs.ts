import { hash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { TrikdError } from '@trikd/core/domain/errors';
import type { RunState } from '@trikd/core/run/state';
import { specDigest } from '@trikd/core/spec/run-spec';
import { INTEL } from '@trikd/testing/runs/numerics';
import { numericsText } from '../../results-file.js';
import type { ServerRun, ServerRuns } from '../server-runs.js';

/** An orchestrator in memory, whose runs end when a test says so. */
export interface FakeServerRuns {
  readonly runs: ServerRuns;
  /** Names of the runs that were created or continued, in order. */
  readonly created: string[];
  /** Ends a run that has a trio, which goes to the next run in the queue. */
  end(runId: string, phase: RunState['phase']): void;
  /** Names of the runs in a phase. */
  inPhase(phase: RunState['phase']): readonly string[];
  remove(runId: string): void;
}

const PARAMS = Buffer.from('params');
const SCORE = { metrics: { accuracy: 0.5 }, examples: 10 };

/** @param trios runs that train at once @param most runs that wait, at most */
export function fakeServerRuns(trios: number, most = Number.POSITIVE_INFINITY): FakeServerRuns {
  const known = new Map<string, ServerRun & { readonly requests: readonly string[] }>();
  const created: string[] = [];
  const inPhase = (phase: RunState['phase']) => {
    return [...known.values()].filter((run) => run.phase === phase).map(({ runId }) => runId);
  };
  const place = () => {
    for (const runId of inPhase('queued')) {
      if (inPhase('training').length < trios) known.set(runId, { ...known.get(runId)!, phase: 'training' });
    }
  };
  const blobOf = (runId: string) => {
    const sha256 = hash('sha256', PARAMS);
    return { key: `runs/${runId}/blobs/0.1/${sha256}.safetensors`, sha256, bytes: PARAMS.length };
  };
  const wanted = (runId: string) => {
    const run = known.get(runId);
    if (!run) throw new TrikdError('not-found', `there is no run ${runId}`);
    return run;
  };
  const runs: ServerRuns = {
    find: async (runId) => known.get(runId),
    async create(spec, requestId) {
      const runId = spec.name;
      const before = known.get(runId);
      if (before && before.digest !== specDigest(spec)) throw new TrikdError('invalid', 'it has another spec');
      if (before && (before.phase !== 'failed' || before.requests.includes(requestId))) return before;
      if (!before && inPhase('queued').length >= most) throw new TrikdError('exhausted', `${most} runs wait already`);
      created.push(runId);
      const requests = [...(before?.requests ?? []), requestId];
      const run = { runId, digest: specDigest(spec), phase: 'queued' as const, failure: '', percent: 0 };
      known.set(runId, { ...run, stages: [], requests });
      place();
      return { ...run, stages: [] };
    },
    async download(runId, blob, file) {
      wanted(runId);
      if (blob.sha256 !== hash('sha256', PARAMS)) throw new TrikdError('corrupt', 'the digest does not hold');
      await writeFile(file, PARAMS);
    },
    async training(runId) {
      wanted(runId);
      return { seconds: 1, numerics: numericsText(INTEL) };
    },
  };
  return {
    ...{ runs, created, inPhase },
    end(runId, phase) {
      const best = { step: 4, validation: SCORE, test: SCORE, params: blobOf(runId) };
      const stages = phase === 'completed' ? [{ stage: 0, steps: 4, learners: { student: { best } } }] : [];
      known.set(runId, { ...wanted(runId), phase, stages, failure: phase === 'failed' ? 'it was told to' : '' });
      place();
    },
    remove: (runId) => known.delete(runId),
  };
}
