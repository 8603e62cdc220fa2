import type { Blob } from '@trikd/core/domain/blob';
import type { Anchor, RunState } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { stageText } from '@trikd/events/names';
import { stageOf } from '../participants.js';
import type { Entry } from './catalogue.js';

/** A blob that something names, and what it has to hold. */
export interface NamedBlob {
  readonly blob: Blob;
  /** Index of the stage that it comes from. */
  readonly generation: number;
  /** The learner whose params it has. */
  readonly learner: string;
  readonly part: 'state' | 'best';
  readonly neededBy: readonly string[];
}

/**
 * The blobs that are named by checkpoints, by the state of their run (results, the outcome of the current stage, the anchor) and by the
 * pointer. Each blob appears once, with everything that names it.
 */
export function namedBlobs(
  spec: RunSpec,
  entries: readonly Entry[],
  state: RunState | undefined,
  pointer: Anchor | undefined,
): readonly NamedBlob[] {
  const named = new Map<string, NamedBlob>();
  const add = (blob: Blob, of: Omit<NamedBlob, 'blob' | 'neededBy'>, by: string) => {
    // The same key under two digests is two claims, of which one is wrong.
    const id = [blob.key, blob.sha256, blob.bytes, of.generation, of.learner, of.part].join();
    const neededBy = named.get(id)?.neededBy ?? [];
    if (!neededBy.includes(by)) named.set(id, { blob, ...of, neededBy: [...neededBy, by] });
  };
  for (const { name, manifest } of entries) {
    if (!manifest) continue;
    const { generation } = manifest;
    for (const [learner, { state: last, best }] of Object.entries(manifest.learners)) {
      add(last, { generation, learner, part: 'state' }, `checkpoint ${name}`);
      if (best) add(best.params, { generation, learner, part: 'best' }, `checkpoint ${name}`);
    }
  }
  const outcomes = [
    ...(state?.results ?? []).map((result) => {
      const { generation } = result;
      return { ...result, by: `the result of ${stageText(stageOf(spec, generation).name, generation)}` };
    }),
    ...(state?.phase === 'promoting' ? [{ ...state.outcome, generation: state.generation, by: 'the candidate' }] : []),
  ];
  for (const { generation, learners, by } of outcomes) {
    for (const [learner, { best }] of Object.entries(learners)) {
      add(best.params, { generation, learner, part: 'best' }, by);
    }
  }
  const addAnchor = ({ generation, params }: Anchor, by: string) => {
    add(params, { generation, learner: stageOf(spec, generation).decisive, part: 'best' }, by);
  };
  if (state && 'anchor' in state && state.anchor) addAnchor(state.anchor, 'the anchor');
  if (pointer) addAnchor(pointer, 'the anchor pointer');
  return [...named.values()];
}
