import type { Blob } from '@trikd/core/domain/blob';
import type { TrainedRole } from '@trikd/core/domain/role';
import type { RunState } from '@trikd/core/run/state';
import type { Entry } from './catalogue.js';

/** A blob that something names, and what it has to hold. */
export interface NamedBlob {
  readonly blob: Blob;
  readonly role: TrainedRole;
  readonly part: 'state' | 'best';
  readonly neededBy: readonly string[];
}

/**
 * The blobs that are named by checkpoints, by the state of their run (results, the outcome of the current generation, the anchor) and by
 * the pointer. Each blob appears once, with everything that names it.
 */
export function namedBlobs(
  entries: readonly Entry[],
  state: RunState | undefined,
  pointer: Blob | undefined,
): readonly NamedBlob[] {
  const named = new Map<string, NamedBlob>();
  const add = (blob: Blob, role: TrainedRole, part: NamedBlob['part'], by: string) => {
    // The same key under two digests is two claims, of which one is wrong.
    const id = [blob.key, blob.sha256, blob.bytes, role, part].join();
    const neededBy = named.get(id)?.neededBy ?? [];
    if (!neededBy.includes(by)) named.set(id, { blob, role, part, neededBy: [...neededBy, by] });
  };
  for (const { name, manifest } of entries) {
    for (const role of ['student', 'teacher'] as const) {
      const saved = manifest?.[role];
      if (saved) add(saved.state, role, 'state', `checkpoint ${name}`);
      if (saved?.best) add(saved.best.params, role, 'best', `checkpoint ${name}`);
    }
  }
  for (const { generation, student, teacher } of state?.results ?? []) {
    add(student.params, 'student', 'best', `the result of generation ${generation}`);
    add(teacher.params, 'teacher', 'best', `the result of generation ${generation}`);
  }
  if (state?.phase === 'promoting') {
    add(state.outcome.student.params, 'student', 'best', 'the candidate');
    add(state.outcome.teacher.params, 'teacher', 'best', 'the candidate');
  }
  if (state && 'anchor' in state && state.anchor) add(state.anchor.params, 'student', 'best', 'the anchor');
  if (pointer) add(pointer, 'student', 'best', 'the anchor pointer');
  return [...named.values()];
}
