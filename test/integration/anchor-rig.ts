import { blobsFolder, saveParams } from '@trikd/core/checkpoint/blobs';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { Position, Role } from '@trikd/core/domain/position';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { AnchorParts } from '@trikd/model-host/anchor/anchor-parts';
import { specFor } from '@trikd/testing/specs/spec-for';
import { numberAnchor, paramsOf } from '@trikd/testing/toy-model/number-model';
import { onTestFinished } from 'vitest';
import { listenTo } from './exchange-rig.js';
import { type AnchorUnderTest, agreement, openAnchorServer } from './trio-rig.js';

/** Long enough that no stage is over before it is replaced, with as many as a test swaps through. */
export const spec = specFor('32 steps', { epochs: 1000, curriculum: { generations: 200 } });
/** The first logit of a frame, divided by this, is the stage whose params computed it. */
const PARAMS_STEP = 32_768;
export const paramsOfStage = (store: ObjectStore, stage: number) =>
  saveParams(store, blobsFolder(startOf(stage)), paramsOf(stage * PARAMS_STEP));

export const startOf = (stage: number): Position => ({ runId: 'r', stage, attempt: 1, step: 0 });

const shared = agreement(spec);

export async function hear(anchor: AnchorUnderTest, consumer: Role, from: Position) {
  return listenTo(anchor.address, { producer: 'anchor', consumer, from, agreement: await shared });
}

/** Refuses a frame that is not what was asked for, whatever it says of itself. */
export function assertFrame(next: IteratorResult<LogitsFrame, void>, { stage, step }: Position): LogitsFrame {
  const frame = next.done ? undefined : next.value;
  const logit = frame?.logits.data[0] ?? Number.NaN;
  if (!frame || frame.position.stage !== stage || frame.position.step !== step) {
    throw new Error(`asked for step ${step} of stage ${stage}, got ${JSON.stringify(frame?.position)}`);
  }
  if (logit === stage * PARAMS_STEP + step) return frame;
  throw new Error(`step ${step} of stage ${stage} was computed by stage ${logit / PARAMS_STEP}`);
}

/** Counts the models that are open. */
export function counted() {
  const models = { open: 0, most: 0, opened: 0 };
  const open = numberAnchor(() => {
    models.open -= 1;
  });
  const openFrozen: AnchorParts['openFrozen'] = (...given) => {
    models.open += 1;
    models.opened += 1;
    models.most = Math.max(models.most, models.open);
    return open(...given);
  };
  return { models, openFrozen };
}

export async function serveAnchor(store: ObjectStore, openFrozen = numberAnchor()): Promise<AnchorUnderTest> {
  const anchor = await openAnchorServer(store, openFrozen);
  onTestFinished(() => anchor.close());
  return anchor;
}
