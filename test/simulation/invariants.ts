import { hash } from 'node:crypto';
import type { PairManifest } from '@trikd/core/checkpoint/manifest';
import { canonicalJson } from '@trikd/core/domain/canonical-json';
import type { Blob } from '@trikd/core/domain/role-checkpoint';
import type { RunState } from '@trikd/core/run/state';
import { type AnchorPointer, pointerKey } from '@trikd/core/run/stored/anchor-pointer';
import { manifestsOf } from '@trikd/core/run/stored/collector';
import { LEASE_KEY } from '@trikd/core/run/stored/lease';
import { stateKey } from '@trikd/core/run/stored/run-store';
import { type Oracle, verdictOf } from './oracle.js';
import type { VirtualStore } from './store.js';

/** What must hold whenever something is written, not only in the end. */
export interface Invariants {
  /** @param bytes undefined when the object was removed */
  changed(key: string, bytes: Uint8Array | undefined): void;
  /** The newest state of the run, as the disk has it. */
  readonly state: RunState | undefined;
  /** Starts of stages so far. */
  readonly attempts: number;
}

/** What the files of a run say besides the state. */
interface StateFile {
  readonly term: number;
  readonly revision: number;
  readonly state: RunState;
}

interface Lease {
  readonly term: number;
  readonly holder: string;
}

/** @param broken is called with a sentence for each invariant that does not hold */
export function createInvariants(
  name: string,
  oracle: Oracle,
  { disk, misread }: Pick<VirtualStore, 'disk' | 'misread'>,
  broken: (sentence: string) => void,
): Invariants {
  let file: StateFile | undefined;
  let pointer: AnchorPointer | undefined;
  let lease: Lease | undefined;
  let attempts = 0;

  function stateChanged(before: StateFile | undefined, now: StateFile): void {
    const was = before?.state;
    const { state } = now;
    if (was?.stage !== state.stage || was.attempt !== state.attempt) attempts += 1;
    if (was) {
      const order = state.stage - was.stage || state.attempt - was.attempt;
      if (order < 0) broken(`the run went back from ${nameOf(was)} to ${nameOf(state)}`);
      if (was.phase === 'completed') broken('the run was changed after it had completed');
      const kept = was.results.every((result, index) => same(result, state.results[index]));
      if (!kept) broken(`the results of ${nameOf(was)} are others in ${nameOf(state)}`);
      if (forgotten(was, state)) broken(`validations of ${nameOf(was)} are forgotten in ${nameOf(state)}`);
    }
    if (before && now.term < before.term) broken(`term ${now.term} wrote after term ${before.term}`);
    if (before && now.revision !== before.revision + 1) broken(`revision ${now.revision} follows ${before.revision}`);
    for (const [index, result] of state.results.entries()) {
      const [found, expected] = [canonicalJson(verdictOf(result)), canonicalJson(oracle.results[index] ?? 'nothing')];
      if (found !== expected) broken(`stage ${index} came to ${found}, undisturbed it comes to ${expected}`);
    }
    if (state.phase === 'completed' && state.results.length !== oracle.results.length) {
      broken(`the run ended after ${state.results.length} stages, undisturbed after ${oracle.results.length}`);
    }
    if (state.phase === 'failed' && !['unavailable', 'out-of-step', 'corrupt'].includes(state.kind)) {
      broken(`the run failed (${state.kind}): ${state.reason}`);
    }
    const promoted = state.results.findLast((result) => result.promoted);
    if (promoted && (pointer?.newest ?? -1) < promoted.stage) {
      broken(`${nameOf(state)} has promoted generation ${promoted.stage}, to which nothing points`);
    }
  }

  function pointerChanged(before: AnchorPointer | undefined, now: AnchorPointer): void {
    if (now.moves !== (before?.moves ?? 0) + 1) broken(`move ${now.moves} of the anchor follows ${before?.moves ?? 0}`);
    const again = now.newest === before?.newest && now.params.key !== before.params.key;
    if (now.newest <= (before?.newest ?? -1) && !again) {
      broken(`the anchor moved from generation ${before?.newest} to ${now.newest}`);
    }
    const expected = oracle.results[now.stage];
    if (!expected?.promoted) broken(`generation ${now.stage} was promoted, undisturbed it is not`);
    const candidate = expected?.learners[expected.candidate ?? ''];
    if (!candidate?.best.includes(now.params.sha256)) broken(`the anchor of generation ${now.stage} is another`);
  }

  function leaseChanged(before: Lease | undefined, now: Lease): void {
    // A candidate that cannot read the lease starts again above the terms of all runs.
    if (misread.has(LEASE_KEY)) return;
    const led = before?.term ?? 0;
    if (now.term !== led && now.term !== led + 1) broken(`term ${now.term} follows term ${led}`);
    if (before && now.term === led && now.holder !== before.holder) broken(`term ${led} has two leaders`);
  }

  /** Everything that the state and the pointer lead to is there, and is what its digest says. */
  async function complete(): Promise<void> {
    const state = file?.state;
    if (pointer) await checkBlob(pointer.params, `the anchor of generation ${pointer.stage}`);
    if (!state) return;
    if ('anchor' in state && state.anchor) await checkBlob(state.anchor.params, `the anchor of ${nameOf(state)}`);
    for (const { stage, learners } of state.results) {
      for (const [learner, { best }] of Object.entries(learners))
        await checkBlob(best.params, `the best ${learner} of stage ${stage}`);
    }
    for (const key of manifestsOf(state)) {
      const manifest = await disk.get(key);
      if (!manifest) {
        broken(`${nameOf(state)} names ${key}, which is not there`);
        continue;
      }
      const { learners }: PairManifest = jsonOf(manifest.bytes);
      for (const [learner, part] of Object.entries(learners)) {
        const what = `the ${learner} of ${key}, which ${nameOf(state)} names,`;
        await checkBlob(part.state, what);
        if (part.best) await checkBlob(part.best.params, `the best of ${what}`);
      }
    }
  }

  async function checkBlob({ key, sha256 }: Blob, what: string): Promise<void> {
    const object = await disk.get(key);
    if (!object) broken(`${what} is not in the store: ${key}`);
    else if (hash('sha256', object.bytes) !== sha256) broken(`${what} is not what its digest says: ${key}`);
  }

  return {
    changed(key, bytes) {
      if (bytes && key === LEASE_KEY) {
        const now: Lease = jsonOf(bytes);
        leaseChanged(lease, now);
        lease = now;
      }
      if (bytes && key === stateKey(name)) {
        const now: StateFile = jsonOf(bytes);
        stateChanged(file, now);
        file = now;
      }
      if (bytes && key === pointerKey(name)) {
        const now: AnchorPointer = jsonOf(bytes);
        pointerChanged(pointer, now);
        pointer = now;
      }
      if (bytes ? key !== stateKey(name) && key !== pointerKey(name) : !key.startsWith(`runs/${name}/`)) return;
      complete().catch((error: unknown) => broken(`${error}`));
    },
    get state() {
      return file?.state;
    },
    get attempts() {
      return attempts;
    },
  };
}

/** Whether a state knows something else of the validations before a pair than the state before did. */
function forgotten(was: RunState, now: RunState): boolean {
  if (was.stage !== now.stage || !('pairs' in was) || !('pairs' in now)) return false;
  return now.pairs.some(({ manifestKey, convergence }) => {
    const known = was.pairs.find((pair) => pair.manifestKey === manifestKey);
    return known !== undefined && !same(known.convergence, convergence);
  });
}

/** Read as it was written: nothing here came from outside. */
function jsonOf(bytes: Uint8Array) {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function nameOf({ phase, stage, attempt }: RunState): string {
  return `stage ${stage}, attempt ${attempt} (${phase})`;
}
