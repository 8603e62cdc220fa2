/** A bug that the simulation must find: a text of our sources, and what stands there instead. */
interface Mutation {
  readonly path: string;
  readonly text: string;
  readonly instead: string;
}

/** Planted from outside, so that the sources know nothing of it. Each by its name, and each found within 200 seeds. */
export const MUTATIONS: Readonly<Record<string, readonly Mutation[]>> = {
  'no fencing: compare-and-swap swaps without comparing': [
    {
      path: 'packages/testing/src/fake-s3.ts',
      text: "if (!holds(objects.get(key), onlyIf)) return 'refused';",
      instead: '',
    },
  ],
  'no fencing: a leader writes whoever has written since': [
    {
      path: 'packages/core/src/run/run-store.ts',
      text: 'await store.replace(stateKey(name), bytes, run.version);',
      instead: 'await store.put(stateKey(name), bytes);',
    },
  ],
  'manifest first: a checkpoint is reported before its blob is stored': [
    {
      path: 'packages/core/src/checkpoint/blobs.ts',
      text: 'await store.put(key, bytes);',
      instead: 'store.put(key, bytes).catch(() => undefined);',
    },
    {
      path: 'services/orchestrator/src/runs/commit-pair.ts',
      text: 'for (const blob of blobsOf(manifest)) await assertThere(store, blob);',
      instead: '',
    },
  ],
  'no digest check: params are loaded as they come': [
    {
      path: 'packages/core/src/checkpoint/blobs.ts',
      text: 'if (sha256 !== blob.sha256) throw',
      instead: 'if (false) throw',
    },
  ],
  'no digest check: frames are taken as they come': [
    {
      path: 'packages/core/src/training/train-step.ts',
      text: 'checkFrame(next.value, expected, name);',
      instead: '',
    },
    {
      path: 'packages/core/src/exchange/in-order.ts',
      text: 'if (step < expected) continue;',
      instead: '',
    },
  ],
  'window off by one: a frame is pushed out before it is taken': [
    {
      path: 'packages/core/src/exchange/frame-window.ts',
      text: 'taken(role) > oldestStep()',
      instead: 'taken(role) >= oldestStep()',
    },
  ],
  'window off by one: a stream begins a step late': [
    {
      path: 'packages/core/src/exchange/subscribe.ts',
      text: 'from: { ...from, step } }, patience.over)',
      instead: 'from: { ...from, step: step + Number(step > from.step) } }, patience.over)',
    },
  ],
  'a resumed model forgets its optimizer': [
    {
      path: 'packages/model-host/src/trainer/trainer-attempt.ts',
      text: 'const state = await loadParams(store, resume.state);',
      instead:
        "const saved = await loadParams(store, resume.state); const state = new Map([...saved].map(([name, tensor]) => [name, name.includes('/') ? { ...tensor, data: tensor.data.map(() => 0) } : tensor]));",
    },
  ],
  'a resumed model forgets its best params': [
    {
      path: 'packages/model-host/src/trainer/trainer-attempt.ts',
      text: 'resume: resume.best ? { state, best: resume.best } : { state }',
      instead: 'resume: { state }',
    },
  ],
  'the collector takes what is still named': [
    {
      path: 'packages/core/src/run/collector.ts',
      text: 'const kept = new Set([...live, ...manifestsOf(state)]);',
      instead: 'const kept = new Set();',
    },
  ],
  'a run that is resumed has forgotten how its validations went': [
    {
      path: 'packages/core/src/run/steer.ts',
      text: 'if (!outcome || !facts) return { ...restarted(state), losses: 0 };',
      instead:
        'if (!outcome || !facts) return { ...restarted(state), pairs: state.pairs.map(({ convergence: _, ...pair }) => pair), losses: 0 };',
    },
  ],
  'a promotion is done twice': [
    {
      path: 'packages/core/src/run/anchor-pointer.ts',
      text: 'if (present.newest < anchor.generation) {',
      instead: 'if (present.newest <= anchor.generation) {',
    },
  ],
};

/** The text of a source, with the bug in it when it is there that it belongs. */
export function mutated(name: string | undefined, path: string, source: string): string {
  if (name === undefined) return source;
  const mutation = MUTATIONS[name];
  if (!mutation) throw new RangeError(`there is no mutation ${name}; there are ${Object.keys(MUTATIONS).join(', ')}`);
  return mutation
    .filter((each) => each.path === path)
    .reduce((text, { text: original, instead }) => {
      if (text.split(original).length !== 2) throw new RangeError(`${path} has not exactly one ${original}`);
      return text.replace(original, () => instead);
    }, source);
}
