import { blobsFolder, saveParams } from '@trikd/core/checkpoint/blobs';
import type { RoleCheckpoint } from '@trikd/core/domain/role-checkpoint';
import { learnerOf } from '@trikd/core/stages/stage';
import { stageAt } from '@trikd/core/stages/stages-of';
import { openFrozen } from '@trikd/core/training/frozen';
import type { TrainerEvent } from '@trikd/core/training/ports';
import { tracePredictor } from '@trikd/core/training/role-program';
import { trainStage } from '@trikd/core/training/trainer';
import { loadDataset } from '@trikd/model-host/data/load-dataset';
import { toTrainerEvent } from '@trikd/protocol/convert-trainer';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, onTestFinished, test } from 'vitest';
import {
  assignment,
  checkpointAt,
  contentOf,
  openAnchorServer,
  openTrainer,
  type TrainerUnderTest,
  until,
} from './trio-rig.js';

/** Stages of 320 steps that are saved only at their end, with a step timeout of 4 s. */
const spec = specFor('32 steps', {
  epochs: 20,
  evaluation: { everyEpochs: 20 },
  checkpoint: { everyEpochs: 20 },
  exchange: { window: 4, stepTimeout: 4 },
  engine: { threads: 1 },
});
const STEPS = 320;
const numbered = (attempt: number) => ({ runId: 'r', stage: 1, attempt });

test('real models that lose their anchor leave a pair of one step, and continue from it to the same bits', async () => {
  const store = memoryStore();
  const anchor = await anchorServer();
  const [teacher, student] = await Promise.all(
    (['teacher', 'student'] as const).map(async (role) => {
      const trainer = await openTrainer(role, store, trainStage);
      onTestFinished(trainer.close);
      return trainer;
    }),
  );
  const pair = [teacher!, student!] as const;
  const start = (attempt: number, anchorAddress: string, limit = STEPS, from: readonly RoleCheckpoint[] = []) =>
    Promise.all(
      pair.map((trainer, index) => {
        const peer = pair[1 - index]!.address;
        const sources = { anchor: anchorAddress, ...(index === 0 ? { student: peer } : { teacher: peer }) };
        const resume = from[index];
        const options = { of: numbered(attempt), trained: spec, limit, sources };
        return trainer.assign(assignment({ ...options, ...(resume && { resume }) }));
      }),
    );
  const ends = (attempt: number) =>
    Promise.all(pair.map(async (trainer) => contentOf(await checkpointAt(trainer, STEPS, numbered(attempt)))));

  await anchor.serve(1, 0);
  await start(1, anchor.address);
  const undisturbed = await ends(1);

  await anchor.serve(2, 0);
  await start(2, anchor.address, 20);
  await Promise.all(pair.map((trainer) => until(trainer, 'resting', undefined, numbered(2))));
  await anchor.close();
  // What the anchor had sent already is trained still.
  await Promise.all(pair.map((trainer) => trainer.setLimit(numbered(2), STEPS)));
  const stories = await Promise.all(pair.map((trainer) => storyOf(trainer, 2)));
  const left = stories.map(
    (story) => story.flatMap((event) => (event.kind === 'checkpoint' ? [event.checkpoint] : [])).at(-1)!,
  );
  const step = left[0]!.step;
  expect(left.map((checkpoint) => checkpoint.step)).toEqual([step, step]);
  for (const story of stories) {
    expect(story.findLast(({ kind }) => kind === 'progress')).toMatchObject({ progress: { nextStep: step } });
    const kind = expect.stringMatching(/^(unavailable|out-of-step)$/);
    expect(story.at(-1)).toMatchObject({ kind: 'failure', failure: { kind } });
  }
  // The other one may have got the anchor's frame of the step before the anchor was gone, and then waits for its peer.
  const reason = `waiting for step ${step} of the anchor for 1 s`;
  expect(stories.flat()).toContainEqual({ kind: 'stalled', on: 'anchor', reason });

  const next = await anchorServer();
  await next.serve(3, step);
  await start(3, next.address, STEPS, left);
  expect(await ends(3)).toEqual(undisturbed);

  async function anchorServer() {
    const server = await openAnchorServer(store, openFrozen);
    let open = true;
    const close = async () => {
      if (open) await server.close();
      open = false;
    };
    onTestFinished(close);
    const serve = async (attempt: number, at: number) => {
      const dataset = await loadDataset(spec);
      const { variables } = tracePredictor({ spec, dataset }, learnerOf(stageAt(spec, 1, true), 'student').model);
      const params = new Map(
        [...variables].map(([name, { shape, initial: data }]) => [name, { dtype: 'float32' as const, shape, data }]),
      );
      const blob = await saveParams(store, blobsFolder(numbered(1)), params);
      await server.load({ ...numbered(attempt), step: at }, blob, spec);
    };
    return { address: server.address, serve, close };
  }
});

/** Everything that happened in an attempt up to its failure. */
async function storyOf(trainer: TrainerUnderTest, attempt: number): Promise<readonly TrainerEvent[]> {
  const story: TrainerEvent[] = [];
  for await (const response of trainer.events(numbered(attempt))) {
    const event = toTrainerEvent(response);
    story.push(event);
    if (event.kind === 'failure') break;
  }
  return story;
}
