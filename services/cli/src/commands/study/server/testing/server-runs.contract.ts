import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newRun } from '@trikd/core/spec/new-run';
import { type RunSpec, specDigest } from '@trikd/core/spec/run-spec';
import { INTEL } from '@trikd/testing/runs/numerics';
import { specFor } from '@trikd/testing/specs/spec-for';
import { describe, expect, onTestFinished, test } from 'vitest';
import { numericsText } from '../../results-file.js';
import type { ServerRuns } from '../server-runs.js';

/** An orchestrator with one trio, whose models compute with `INTEL`, and what a test does to its runs. */
export interface ServerRunsRig {
  readonly runs: ServerRuns;
  /** The run that has the trio ends in this phase; resolves when it has. */
  end(runId: string, phase: 'completed' | 'failed'): Promise<void>;
}

const spec = (name: string): RunSpec => newRun(specFor('bare', { name, curriculum: { generations: 1 } }));
const trained = { stage: 0, role: 'student' } as const;

/** What the runs of every orchestrator do. @param open a new one without runs */
export function serverRunsContract(open: () => Promise<ServerRunsRig>): void {
  describe('the runs of a server', () => {
    test('are there once they are created, one for each name', async () => {
      const { runs } = await open();
      expect(await runs.find('a')).toBeUndefined();
      const created = await runs.create(spec('a'), 'once');
      const digest = specDigest(spec('a'));
      expect(created).toMatchObject({ runId: 'a', digest, failure: '' });
      expect(await runs.create(spec('a'), 'twice')).toMatchObject({ runId: 'a', digest });
      expect(await runs.find('a')).toMatchObject({ runId: 'a', digest });
      await expect(runs.create({ ...spec('a'), seed: 9 }, 'third')).rejects.toMatchObject({ kind: 'invalid' });
    });

    test('wait for a trio', async () => {
      const { runs, end } = await open();
      await runs.create(spec('a'), 'a');
      await runs.create(spec('b'), 'b');
      await expect.poll(async () => (await runs.find('a'))?.phase).toBe('training');
      expect(await runs.find('b')).toMatchObject({ phase: 'queued' });
      await end('a', 'completed');
      await expect.poll(async () => (await runs.find('b'))?.phase).not.toBe('queued');
    });

    test('have the stages, the params and the training when they have completed', async () => {
      const { runs, end } = await open();
      await runs.create(spec('a'), 'a');
      await end('a', 'completed');
      const run = (await runs.find('a'))!;
      expect(run).toMatchObject({ phase: 'completed', stages: [{ stage: 0, learners: { student: {} } }] });
      const { params, validation, test } = run.stages[0]!.learners['student']!.best!;
      expect([validation.metrics['accuracy'], test?.metrics['accuracy']]).toEqual([
        expect.any(Number),
        expect.any(Number),
      ]);
      const folder = mkdtempSync(join(tmpdir(), 'trikd-contract-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const file = join(folder, 'params');
      await runs.download('a', params, file);
      expect(readFileSync(file)).toHaveLength(params.bytes);
      await expect(runs.download('a', { ...params, sha256: '0'.repeat(64) }, file)).rejects.toMatchObject({
        kind: 'corrupt',
      });
      const { seconds, numerics } = await runs.training('a', trained);
      expect([seconds > 0, numerics]).toEqual([true, numericsText(INTEL)]);
    });

    test('that failed are continued by another request, and not by the same', async () => {
      const { runs, end } = await open();
      await runs.create(spec('a'), 'once');
      await end('a', 'failed');
      expect(await runs.find('a')).toMatchObject({ failure: expect.stringMatching(/./) });
      expect(await runs.create(spec('a'), 'once')).toMatchObject({ phase: 'failed' });
      expect((await runs.create(spec('a'), 'twice')).phase).not.toBe('failed');
      await end('a', 'completed');
      expect(await runs.find('a')).toMatchObject({ phase: 'completed' });
    });
  });
}
