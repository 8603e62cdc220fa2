/**
 * The bugs that the simulation must find. Each replaces exports of modules by wrappers that break one behaviour, so the sources know
 * nothing of it and only their exports are relied on: `sources.ts` puts the wrapper where the export is imported.
 */
import { hash } from 'node:crypto';
import type * as blobs from '@trikd/core/checkpoint/blobs';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type * as checkFrame from '@trikd/core/exchange/check-frame';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type * as frameWindow from '@trikd/core/exchange/frame-window';
import type * as inOrder from '@trikd/core/exchange/in-order';
import type * as subscribe from '@trikd/core/exchange/subscribe';
import type { Params } from '@trikd/core/models/params';
import type { Anchor, RunState } from '@trikd/core/run/state';
import type * as steer from '@trikd/core/run/steer';
import type * as anchorPointer from '@trikd/core/run/stored/anchor-pointer';
import type * as collector from '@trikd/core/run/stored/collector';
import type * as runStore from '@trikd/core/run/stored/run-store';
import type { Replica } from '@trikd/core/training/replicas/replica';
import type { OpenRemoteReplica } from '@trikd/core/training/sessions';
import type * as trainer from '@trikd/core/training/trainer';
import type * as remoteReplica from '@trikd/model-host/replica/remote-replica';
import type * as fakeS3 from '@trikd/testing/stores/fake-s3';
import type * as stageInputs from '../../services/orchestrator/src/runs/duties/stage-inputs.js';
import type * as commitPair from '../../services/orchestrator/src/runs/training/commit-pair.js';
import { JOBSET_MUTATIONS } from './jobset-mutations.ts';
import { QUEUE_MUTATIONS } from './queue-mutations.ts';
import { type Replacement, replacing } from './replacement.ts';

/** The modules that have an export replaced, by the name that an import in this folder gives them. */
interface Modules {
  '@trikd/core/checkpoint/blobs': typeof blobs;
  '@trikd/core/exchange/check-frame': typeof checkFrame;
  '@trikd/core/exchange/frame-window': typeof frameWindow;
  '@trikd/core/exchange/in-order': typeof inOrder;
  '@trikd/core/exchange/subscribe': typeof subscribe;
  '@trikd/core/run/stored/anchor-pointer': typeof anchorPointer;
  '@trikd/core/run/stored/collector': typeof collector;
  '@trikd/core/run/stored/run-store': typeof runStore;
  '@trikd/core/run/steer': typeof steer;
  '@trikd/core/training/trainer': typeof trainer;
  '@trikd/model-host/replica/remote-replica': typeof remoteReplica;
  '@trikd/testing/stores/fake-s3': typeof fakeS3;
  '../../services/orchestrator/src/runs/duties/stage-inputs.js': typeof stageInputs;
  '../../services/orchestrator/src/runs/training/commit-pair.js': typeof commitPair;
}

const replace = replacing<Modules>();
const STAGE_INPUTS = '../../services/orchestrator/src/runs/duties/stage-inputs.js';

const loseOptimizer = (state: Params): Params =>
  new Map(
    [...state].map(([name, tensor]) => [
      name,
      name.includes('/') ? { ...tensor, data: tensor.data.map(() => 0) } : tensor,
    ]),
  );

/** Trainers with other replicas in other processes. */
const withReplicas = (change: (replica: Replica) => Replica): Replacement =>
  replace('@trikd/model-host/replica/remote-replica', 'trainingWithReplicas', (real) => (configured, sessions) => {
    const changed = (openRemote: OpenRemoteReplica): OpenRemoteReplica => {
      return async (...args) => {
        const replica = await openRemote(...args);
        return replica && change(replica);
      };
    };
    return real(configured, (openRemote) => sessions!(changed(openRemote)));
  });

/** Moves the pointer to the student that the rule promoted last, once more. Whether it was that student. */
async function promotedAgain(
  { pointerKey, readPointer }: typeof anchorPointer,
  store: ObjectStore,
  runId: string,
  anchor: Anchor,
  term: number,
): Promise<boolean> {
  const key = pointerKey(runId);
  const [pointer, file] = [await readPointer(store, runId), await store.get(key)];
  if (!file || pointer?.newest !== anchor.stage) return false;
  const again = { ...pointer, ...anchor, moves: pointer.moves + 1, term };
  await store.replace(key, Buffer.from(JSON.stringify(again)), file.version);
  return true;
}

/** By name. Each is found within 200 seeds. */
export const MUTATIONS: Readonly<Record<string, readonly Replacement[]>> = {
  'no fencing: compare-and-swap swaps without comparing': [
    replace('@trikd/testing/stores/fake-s3', 'fakeS3', (real) => (options) => {
      const api = real(options);
      return { ...api, put: (key, bytes, { note = '' } = {}) => api.put(key, bytes, { note }) };
    }),
  ],
  'no fencing: a leader overwrites the state that another leader wrote': [
    replace('@trikd/core/run/stored/run-store', 'saveRun', (real) => (store, run, change) => {
      const overwrite = async (key: string, bytes: Uint8Array) => {
        await store.put(key, bytes);
        return 'replaced' as const;
      };
      return real({ ...store, replace: overwrite }, run, change);
    }),
  ],
  'manifest first: a checkpoint is reported before its blob is stored': [
    replace('@trikd/core/checkpoint/blobs', 'saveParams', (real) => (store, ...rest) => {
      const put = async (key: string, bytes: Uint8Array) => {
        store.put(key, bytes).catch(() => undefined);
      };
      return real({ ...store, put }, ...rest);
    }),
    replace(
      '../../services/orchestrator/src/runs/training/commit-pair.js',
      'commitPair',
      (real) => (ports, todo, pair) => {
        const named = Object.values(pair.learners).flatMap(({ state, best }) =>
          best ? [state, best.params] : [state],
        );
        const size = async (key: string) => named.find((blob) => blob.key === key)?.bytes;
        return real({ ...ports, store: { ...ports.store, size } }, todo, pair);
      },
    ),
  ],
  'no digest check: params are loaded as they come': [
    replace('@trikd/core/checkpoint/blobs', 'loadParams', (real) => (store, blob) => {
      let digest = blob.sha256;
      const get = async (key: string) => {
        const object = await store.get(key);
        if (object) digest = hash('sha256', object.bytes);
        return object;
      };
      const trusted = {
        ...blob,
        get sha256() {
          return digest;
        },
      };
      return real({ ...store, get }, trusted);
    }),
  ],
  'no digest check: frames are taken as they come': [
    replace(
      '@trikd/core/exchange/check-frame',
      'checkFrame',
      () =>
        ({ logits: { data } }) =>
          data as Float32Array,
    ),
    replace(
      '@trikd/core/exchange/in-order',
      'inOrder',
      () =>
        async function* (frames) {
          yield* frames;
        },
    ),
  ],
  'window off by one: a frame is pushed out before it is taken': [
    replace('@trikd/core/exchange/frame-window', 'createFrameWindow', (real) => (options) => {
      const capacity = Math.max(2, options.size);
      // It lets the producer get one step further ahead than it retains frames.
      const window = real({ ...options, size: capacity + 1 });
      const published = new Map<number, LogitsFrame>();
      return {
        publish(frame) {
          const { step } = frame.position;
          published.set(step, frame);
          published.delete(step - 2 * capacity);
          return window.publish(frame);
        },
        async *frames(...args) {
          for await (const frame of window.frames(...args)) {
            const pushing = frame.position.step + capacity;
            yield pushing < window.nextStep ? published.get(pushing)! : frame;
          }
        },
        close: (error) => window.close(error),
        get nextStep() {
          return window.nextStep;
        },
        get oldestStep() {
          return Math.max(options.firstStep, window.nextStep - capacity);
        },
      };
    }),
  ],
  'window off by one: a stream begins a step late': [
    replace(
      '@trikd/core/exchange/subscribe',
      'subscribe',
      (real) => (options) =>
        real({
          ...options,
          dial: (...args) => {
            const link = options.dial(...args);
            return {
              ...link,
              stream: ({ from, ...asked }, signal) => {
                const step = from.step + Number(from.step > options.from.step);
                return link.stream({ ...asked, from: { ...from, step } }, signal);
              },
            };
          },
        }),
    ),
  ],
  'a resumed model forgets its optimizer': [
    replace(
      '@trikd/core/training/trainer',
      'trainStage',
      (real) =>
        ({ resume, ...start }, ...rest) =>
          real(resume ? { ...start, resume: { ...resume, state: loseOptimizer(resume.state) } } : start, ...rest),
    ),
  ],
  'a resumed model forgets its best params': [
    replace(
      '@trikd/core/training/trainer',
      'trainStage',
      (real) =>
        ({ resume, ...start }, ...rest) =>
          real(resume ? { ...start, resume: { state: resume.state } } : start, ...rest),
    ),
  ],
  'the collector removes what is still named': [
    replace('@trikd/core/run/stored/collector', 'collectLeftovers', (real) => (store, runId, state) => {
      const { phase, stage: stageIndex, attempt } = state;
      const common = { stage: stageIndex, attempt, results: [], moves: [] };
      const nameless: RunState =
        phase === 'completed' ? { ...common, phase } : { ...common, phase: 'preparing', pairs: [], losses: 0 };
      return real(store, runId, nameless);
    }),
  ],
  'a resumed run has forgotten its validations': [
    replace('@trikd/core/run/steer', 'steer', (real) => (state, ...rest) => {
      const next = real(state, ...rest);
      if (state.phase !== 'paused' || next.phase !== 'queued') return next;
      return { ...next, pairs: next.pairs.map(({ convergence: _, ...pair }) => pair) };
    }),
  ],
  'a promotion is done twice': [
    replace(
      '@trikd/core/run/stored/anchor-pointer',
      'promote',
      (real, module) => async (store, runId, anchor, term) => {
        if (!(await promotedAgain(module, store, runId, anchor, term))) await real(store, runId, anchor, term);
      },
    ),
    replace(
      '@trikd/core/run/stored/anchor-pointer',
      'pointAsStated',
      (real, module) => async (store, runId, state, term) => {
        const newest = state.results.findLast(({ promoted }) => promoted);
        const best = newest?.candidate === undefined ? undefined : newest.learners[newest.candidate]?.best;
        const anchor = newest && best && { stage: newest.stage, params: best.params };
        if (anchor) await promotedAgain(module, store, runId, anchor, term);
        await real(store, runId, state, term);
      },
    ),
  ],
  "two frozen models have each other's params": [
    replace(STAGE_INPUTS, 'stageInputs', (real) => async (run, stage, state) => {
      const inputs = await real(run, stage, state);
      const names = stage.frozen.map(({ name }) => name);
      const exchanged = names.map((name, index) => [name, inputs[names.at(-1 - index)!]!] as const);
      return { ...inputs, ...Object.fromEntries(exchanged) };
    }),
  ],
  'a replica of a resumed learner starts afresh': [
    withReplicas((replica) => ({ ...replica, assign: async () => undefined })),
  ],
  'a learner trains on without a replica that is lost': [
    withReplicas((replica) => {
      let before: Float32Array | undefined;
      return {
        ...replica,
        async backward(targets) {
          before = await replica.backward(targets).catch((error: unknown) => {
            if (before) return before;
            throw error;
          });
          return before;
        },
        update: (sum) => replica.update(sum).catch(() => ({})),
      };
    }),
  ],
  'a learner that goes on from an earlier stage starts afresh': [
    replace(STAGE_INPUTS, 'stageInputs', (real) => async (run, stage, state) => {
      const inputs = await real(run, stage, state);
      const learners = stage.learners.map(({ name }) => name);
      return Object.fromEntries(Object.entries(inputs).filter(([name]) => !learners.includes(name)));
    }),
  ],
};

/** @throws RangeError for a name that no mutation has */
export function mutationNamed(name: string): readonly Replacement[] {
  const all = { ...MUTATIONS, ...QUEUE_MUTATIONS, ...JOBSET_MUTATIONS };
  const mutation = all[name];
  if (mutation) return mutation;
  throw new RangeError(`there is no mutation ${name}; there are ${Object.keys(all).join(', ')}`);
}
