import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import { LOOPBACK_ONLY } from '@trikd/transport/access/security';
import { expect, onTestFinished, test } from 'vitest';
import { trainerLink } from '../../services/orchestrator/src/runs/links.js';
import type { TrainerLink } from '../../services/orchestrator/src/runs/ports.js';
import { saveTogether } from '../../services/orchestrator/src/runs/training/training-loop.js';
import { toyTrainer } from './orchestrator-doubles.js';

/** A stage of 40 steps. */
const spec = specFor('bare', { epochs: 40, checkpoint: { everyEpochs: 40 } });
const attempt = { runId: 'trial', stage: 0, attempt: 1 };
const times = { prepare: 5, answer: 5, patience: 5 };

test('two trainers that are asked over gRPC save at one step and at their end, and at no other step', async () => {
  const store = memoryStore();
  const held = Promise.withResolvers<void>();
  const gate = async (_role: string, _stage: number, step: number) => (step === 5 ? held.promise : undefined);
  const links = await Promise.all(
    (['teacher', 'student'] as const).map(async (name) => {
      const trainer = await toyTrainer(name, store, { gate });
      const link = trainerLink(name, trainer.address, times, LOOPBACK_ONLY);
      onTestFinished(() => {
        link.close();
        trainer.close();
      });
      await link.assign({ attempt, term: 1, exchangeSecret: SECRET, spec, limit: 40, sources: {}, promoted: false });
      return link;
    }),
  );
  await Promise.all(links.map((link) => until(link, 5)));
  const step = await saveTogether(links, attempt, 40);
  expect(step).toBe(7);
  held.resolve();
  expect(await Promise.all(links.map((link) => until(link, 40)))).toEqual([
    [7, 40],
    [7, 40],
  ]);
});

/** The steps of a trainer's checkpoints, up to the one at which so many steps are trained. */
async function until(link: TrainerLink, steps: number): Promise<readonly number[]> {
  const left = new AbortController();
  const saved: number[] = [];
  for await (const event of link.watch(attempt, left.signal)) {
    if (event.kind === 'checkpoint') saved.push(event.checkpoint.step);
    if (event.kind === 'progress' && event.progress.nextStep === steps && steps < 40) break;
    if (event.kind === 'resting') break;
  }
  left.abort();
  return saved;
}
