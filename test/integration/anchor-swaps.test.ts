import { createBell } from '@trikd/core/async/bell';
import { TrikdError } from '@trikd/core/domain/errors';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { describe, expect, test } from 'vitest';
import { assertFrame, counted, hear, paramsOfStage, serveAnchor, spec, startOf } from './anchor-rig.js';

function sameLogits(one: LogitsFrame, other: LogitsFrame): boolean {
  return one.batchDigest === other.batchDigest && one.logits.data.every((logit, i) => logit === other.logits.data[i]);
}

describe('a swap of the anchor', () => {
  const SWAPS = 100;
  /** Of the pair, in each stage, before the next swap may come. */
  const STEPS = 30;
  /** Between two questions of an asker: more of them than a server allows in a second would only test its limits. */
  const STEPS_PER_QUESTION = 30;

  test('is invisible to requests for the served stage: 100 of them, under load', async () => {
    const store = memoryStore();
    const { models, openFrozen } = counted();
    const anchor = await serveAnchor(store, openFrozen);
    const count = { steps: 0, frames: 0, asked: 0, endedByName: 0 };
    const failed: unknown[] = [];
    /** The stage last asked to be loaded, and the one that is served for certain. */
    let [wanted, serving] = [1, 1];
    let over = false;
    const seen = { stage: 0, steps: 0 };
    const question = createBell();

    /** Ended by a swap that was asked for, with the reason: the attempt is over. */
    const byName = (error: unknown, stage: number) => {
      const ended = error instanceof TrikdError && error.kind === 'out-of-step' && wanted > stage;
      if (ended && error.message.endsWith(`stage ${stage} attempt 1 is not served`)) count.endedByName += 1;
      else failed.push(error);
    };
    /** Both trainers, step by step: neither goes on before both have a frame. */
    const pair = async () => {
      while (!over) {
        const stage = serving;
        const [teacher, student] = [
          await hear(anchor, 'teacher', startOf(stage)),
          await hear(anchor, 'student', startOf(stage)),
        ];
        try {
          for (let step = 0; !over; step++) {
            const both = await Promise.all([teacher.next(), student.next()]);
            const [one, other] = both.map((next) => assertFrame(next, { ...startOf(stage), step }));
            if (!sameLogits(one!, other!)) failed.push(new Error(`unlike frames of step ${step}`));
            count.steps += 1;
            if (count.steps % STEPS_PER_QUESTION === 0) question.ring();
            count.frames += 2;
            if (seen.stage !== stage) seen.steps = 0;
            seen.stage = stage;
            seen.steps += 1;
          }
        } catch (error) {
          byName(error, stage);
        }
        await Promise.allSettled([teacher.return(), student.return()]);
      }
    };
    /** Opens a stream anywhere, takes a little, and leaves. */
    const passerBy = async () => {
      for (let round = 0; !over; round++) {
        const from = { ...startOf(serving), step: (round * 7) % STEPS };
        const frames = await hear(anchor, 'anchor', from);
        try {
          for (let step = from.step; step < from.step + 3; step++) {
            assertFrame(await frames.next(), { ...from, step });
            count.frames += 1;
          }
          count.asked += 1;
        } catch (error) {
          byName(error, from.stage);
        }
        await frames.return();
      }
    };
    /** Asks what is served: never something older than what it knew to be served, nor newer than what was to be loaded. */
    const asker = async () => {
      // It may be busy when the last bell rings.
      while (!over) {
        await question.heard();
        if (over) return;
        const atLeast = serving;
        const { serving: found, frozen } = await anchor.get();
        count.asked += 1;
        const stage = found?.stage ?? -1;
        if (stage < atLeast || stage > wanted || frozen.length !== 1) failed.push(new Error(`served ${stage}`));
      }
    };

    await anchor.load(startOf(1), await paramsOfStage(store, 1), spec);
    const clients = [pair(), passerBy(), asker(), asker()];
    const swapped: number[] = [];
    for (let stage = 2; stage <= SWAPS + 1; stage++) {
      const params = await paramsOfStage(store, stage);
      await expect
        .poll(() => seen.stage === stage - 1 && seen.steps >= STEPS, { interval: 1, timeout: 20_000 })
        .toBe(true);
      wanted = stage;
      const from = performance.now();
      await anchor.load(startOf(stage), params, spec);
      swapped.push(performance.now() - from);
      serving = stage;
    }
    over = true;
    question.ring();
    await Promise.all(clients);
    swapped.sort((a, b) => a - b);
    console.info(
      `${SWAPS} swaps: ${count.frames} frames, ${count.asked} answers, ${count.steps} steps that both trainers saw alike, ` +
        `${count.endedByName} streams ended by name, ${failed.length} failed; at most ${models.most} models open; ` +
        `a load took ${swapped[SWAPS / 2]?.toFixed(0)} ms (median), ${swapped.at(-1)?.toFixed(0)} ms (longest)`,
    );
    expect(failed).toEqual([]);
    expect(models).toEqual({ open: 1, most: 2, opened: SWAPS + 1 });
    expect(count.steps).toBeGreaterThanOrEqual(SWAPS * STEPS);
  });
});
