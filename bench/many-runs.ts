/**
 * Simulated runs on one leader: processor time, memory and requests to the store for each run. The trainers are fakes that reach every
 * limit at once, so all that is measured is the orchestrator's own work.
 *
 * usage: node --expose-gc bench/many-runs.ts [--json] [125 250 500 1000]
 */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { queue } from '@trikd/core/async/queue';
import { blobsFolder } from '@trikd/core/checkpoint/blobs';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { TrainedRole } from '@trikd/core/domain/position';
import { createCandidate } from '@trikd/core/run/stored/lease';
import { RunSpec } from '@trikd/core/spec/run-spec';
import type { TrainerEvent } from '@trikd/core/training/ports';
import { systemClock as clock } from '@trikd/process/system-clock';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { openPages } from '../services/orchestrator/dist/events/event-pages.js';
import { orchestrator } from '../services/orchestrator/dist/orchestrator.js';
import { fixedPlacement } from '../services/orchestrator/dist/placement/fixed.js';
import type { TrainerLink } from '../services/orchestrator/dist/runs/ports.js';

/** Runs for each trio. */
const RUNS_PER_TRIO = 5;
/** Seconds until all that was begun is done. */
const SETTLING = 7;
/** Seconds that the leader is watched while all runs rest. */
const REST = 5;
const EPOCHS = 4;
const digest = (text: string) => createHash('sha256').update(text).digest('hex');
const specOf = (name: string) =>
  RunSpec.parse({ ...writtenSpec('three stages'), name, epochs: EPOCHS, curriculum: { generations: 2 } });

/** Counts the requests to a store. */
function counted(store: ObjectStore) {
  let requests = 0;
  const counts =
    (method: keyof ObjectStore) =>
    (...args: unknown[]) => {
      requests += 1;
      return (store[method] as (...args: unknown[]) => unknown)(...args);
    };
  const methods = ['get', 'size', 'put', 'create', 'replace', 'list', 'remove'] as const;
  const wrapped = Object.fromEntries(methods.map((method) => [method, counts(method)])) as unknown as ObjectStore;
  return { store: wrapped, requests: () => requests };
}

/** A trainer that rests at each limit as soon as it gets it. */
function fakeTrainer(role: TrainedRole, store: ObjectStore): TrainerLink {
  let events = queue<TrainerEvent>();
  let next = 0;
  return {
    role,
    address: `${role}:1`,
    async assign(assignment) {
      events = queue();
      next = assignment.resume?.step ?? 0;
      return { datasetDigest: digest('data'), classes: 4, totalSteps: EPOCHS, stepsPerEpoch: 1 };
    },
    async setLimit(attempt, limit) {
      const content = `${role} ${attempt.stage} ${limit}`;
      const bytes = Buffer.from(content);
      const key = `${blobsFolder(attempt)}${digest(content)}.safetensors`;
      await store.put(key, bytes);
      const blob = { key, sha256: digest(content), bytes: bytes.length };
      const validation = {
        metrics: { accuracy: 0.6 + 0.01 * limit + 0.1 * attempt.stage, nll: 0.5 },
        examples: 400,
      };
      next = limit;
      events.push({ kind: 'evaluation', step: limit, validation });
      const best = { step: limit, validation, test: validation, params: blob };
      events.push({ kind: 'checkpoint', checkpoint: { step: limit, state: blob, best } });
      events.push({ kind: 'resting', nextStep: limit });
    },
    saveAt: async () => undefined,
    nextStep: async () => next,
    past: async function* () {},
    async *watch(_attempt, signal) {
      const mine = events;
      while (!signal.aborted) {
        const event = await mine.take();
        yield event;
        if (event.kind === 'resting' && event.nextStep === EPOCHS) return;
      }
    },
  };
}

async function measure(runs: number) {
  const { store, requests } = counted(memoryStore());
  const stopped = new AbortController();
  const trios = Array.from({ length: Math.ceil(runs / RUNS_PER_TRIO) }, (_, index) => ({
    ...{ name: `trio-${index}`, teacher: 't:1', student: 's:1', anchor: 'a:1' },
  }));
  const times = { grace: 2, drain: 5, firstRetry: 1, longestRetry: 30, probe: 2, patience: 20 };
  const placement = fixedPlacement({ trios, probe: async () => 'serving', clock, times, stopped: stopped.signal });
  let nonces = 0;
  const driver = orchestrator({
    ...{ store, placement, times, clock, look: 1, keepPairs: 2, retries: 4, writer: 'bench' },
    retrying: () => store,
    candidate: createCandidate({ store, clock, holder: 'bench', seconds: 5 }),
    connect: () => ({
      trainers: { teacher: fakeTrainer('teacher', store), student: fakeTrainer('student', store) },
      anchor: {
        address: 'a:1',
        load: async () => {
          const score = { metrics: { accuracy: 0.7, nll: 0.6 }, examples: 400 };
          return { datasetDigest: digest('data'), scores: { anchor: { validation: score, test: score } } };
        },
      },
      steps: [],
      close: () => undefined,
    }),
    queue: { quotaOf: () => undefined, preemption: 'never', maxQueuedPerOwner: runs },
    log: { info: () => undefined },
    date: () => new Date(),
    nonce: () => `${nonces++}`,
    secretKey: () => new Uint8Array(32),
    openFile: () => ({ write: () => undefined, close: async () => undefined }),
    openPages: (runId) => openPages(runId, { store, clock, failed: () => undefined }),
    removeFile: async () => undefined,
    failed: (runId, error) => console.error(runId, error),
  });
  globalThis.gc?.();
  const heap = process.memoryUsage().heapUsed;
  const [cpu, began] = [process.cpuUsage(), performance.now()];
  const names = Array.from({ length: runs }, (_, index) => `run-${index}`);
  for (const name of names) await driver.create({ spec: specOf(name) });
  const waiting = new Set(names);
  while (waiting.size > 0) {
    await delay(50);
    const { state } = await driver.get([...waiting][0] ?? '');
    if (state.phase === 'completed') waiting.delete([...waiting][0] ?? '');
    else if (state.phase === 'failed') throw new Error(state.reason);
    for (const name of waiting) {
      const object = await driver.get(name);
      if (object.state.phase !== 'completed') break;
      waiting.delete(name);
    }
  }
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const all = requests();
  globalThis.gc?.();
  const grown = process.memoryUsage().heapUsed - heap;
  // The newest events are stored with a delay.
  await delay(1000 * SETTLING);
  const [before, rest] = [requests(), process.cpuUsage()];
  await delay(1000 * REST);
  const idle = process.cpuUsage(rest);
  const figures = {
    runs,
    seconds: seconds.toFixed(1),
    'processor ms a run': ((user + system) / 1000 / runs).toFixed(1),
    'requests a run': (all / runs).toFixed(1),
    'heap KiB a run, store included': (grown / 1024 / runs).toFixed(0),
    'requests/s at rest': ((requests() - before) / REST).toFixed(1),
    'processor % at rest': ((idle.user + idle.system) / 10_000 / REST).toFixed(1),
  };
  await driver.drain();
  stopped.abort();
  return figures;
}

const counts = process.argv
  .slice(2)
  .filter((word) => word !== '--json')
  .map(Number);
const table = [];
for (const runs of counts.length > 0 ? counts : [125, 250, 500, 1000]) table.push(await measure(runs));
if (process.argv.includes('--json')) console.log(JSON.stringify(table));
else console.table(table);
