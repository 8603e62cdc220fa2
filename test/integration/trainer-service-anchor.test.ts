import { blobsFolder, saveParams } from '@trikd/core/checkpoint/blobs';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { numberAnchor, paramsOf } from '@trikd/testing/toy-model/number-model';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listenTo } from './exchange-rig.js';
import { agreement, attempt, openAnchorServer, TOTAL_STEPS } from './trio-rig.js';

let read = 0;
const store = memoryStore({
  failOn: (_key, operation) => {
    if (operation === 'get' || operation === 'size') read += 1;
    return false;
  },
});
const stage = (number: number) => ({ runId: 'r', stage: number, attempt: 1, step: 0 });
let anchor: Awaited<ReturnType<typeof openAnchorServer>>;
let closed = 0;

beforeEach(async () => {
  closed = 0;
  anchor = await openAnchorServer(
    store,
    numberAnchor(() => {
      closed += 1;
    }),
  );
});
afterEach(() => anchor.close());

const paramsIn = (value: number) => saveParams(store, blobsFolder(attempt), paramsOf(value));

async function hear(consumer: 'teacher' | 'student', from = stage(3)) {
  return listenTo(anchor.address, { producer: 'anchor', consumer, from, agreement: await agreement() });
}

async function take(frames: AsyncIterator<LogitsFrame, void>, count: number): Promise<LogitsFrame[]> {
  const taken: LogitsFrame[] = [];
  while (taken.length < count) {
    const { value } = await frames.next();
    if (value) taken.push(value);
  }
  return taken;
}

describe('the anchor-server', () => {
  test('scores the anchor that it loads, and reports the one that it serves', async () => {
    expect((await anchor.get()).serving).toBeUndefined();
    const params = await paramsIn(3);
    const loaded = await anchor.load(stage(3), params);
    const validation = { metrics: { accuracy: 0.5, nll: 3 }, examples: 64 };
    expect(loaded.scores).toMatchObject([{ participant: 'anchor', validation }]);
    expect(loaded.datasetDigest).toBe((await agreement()).datasetDigest);
    expect(await anchor.get()).toEqual({ serving: stage(3), frozen: [{ participant: 'anchor', params }] });
  });

  test('sends both trainers all frames', async () => {
    await anchor.load(stage(3), await paramsIn(3));
    const [teacher, student] = await Promise.all([hear('teacher'), hear('student')]);
    const [first, second] = await Promise.all([take(teacher, TOTAL_STEPS), take(student, TOTAL_STEPS)]);
    expect(first).toEqual(second);
    expect(first.map(({ position }) => position.step)).toEqual(Array.from({ length: TOTAL_STEPS }, (_, step) => step));
    await Promise.all([teacher.return(), student.return()]);
  });

  test('computes frames that have left its window again, bit for bit', async () => {
    await anchor.load(stage(3), await paramsIn(3));
    const [teacher, student] = await Promise.all([hear('teacher'), hear('student')]);
    const [before] = await Promise.all([take(student, 20), take(teacher, 20)]);
    await student.return();
    const again = await hear('student', { ...stage(3), step: 5 });
    expect(await take(again, 15)).toEqual(before.slice(5));
    expect((await take(again, 1))[0]?.position.step).toBe(20);
    await Promise.all([teacher.return(), again.return()]);
  });

  test('rejects other stages, and every request before the first load', async () => {
    const early = await hear('student');
    await expect(early.next()).rejects.toMatchObject({
      kind: 'out-of-step',
      message: `the anchor at ${anchor.address}: run r stage 3 attempt 1 is not served`,
    });
    await anchor.load(stage(3), await paramsIn(3));
    const other = await hear('student', stage(9));
    await expect(other.next()).rejects.toMatchObject({
      kind: 'out-of-step',
      message: `the anchor at ${anchor.address}: run r stage 9 attempt 1 is not served`,
      details: { code: 'ABORTED' },
    });
    const earlier = await hear('student', { ...stage(3), attempt: 0 });
    await expect(earlier.next()).rejects.toMatchObject({
      kind: 'out-of-step',
      message: `the anchor at ${anchor.address}: run r stage 3 attempt 0 is not served`,
      details: { code: 'ABORTED' },
    });
  });

  test('ends the streams of the previous stage, then closes its model', async () => {
    await anchor.load(stage(3), await paramsIn(3));
    const student = await hear('student');
    await take(student, 1);
    await anchor.load(stage(4), await paramsIn(4));
    await expect.poll(() => closed).toBe(1);
    // What was sent before the swap still arrives; then comes the reason.
    await expect(take(student, TOTAL_STEPS)).rejects.toMatchObject({
      kind: 'out-of-step',
      message: `the anchor at ${anchor.address}: run r stage 3 attempt 1 is not served`,
    });
    const next = await hear('student', stage(4));
    expect((await take(next, 1))[0]?.logits.data[0]).toBe(4);
    await next.return();
  });

  test('keeps serving the current anchor if the next one cannot be loaded', async () => {
    await anchor.load(stage(3), await paramsIn(3));
    const sha256 = '0'.repeat(64);
    const missing = { key: `${blobsFolder(attempt)}${sha256}.safetensors`, sha256, bytes: 9 };
    await expect(anchor.load(stage(4), missing)).rejects.toMatchObject({ kind: 'corrupt' });
    expect((await anchor.get()).serving).toEqual(stage(3));
    const student = await hear('student');
    await take(student, 2);
    await student.return();
  });

  test('refuses a load of anything but params of its run with one sentence, and reads nothing of it', async () => {
    const foreign = await saveParams(store, blobsFolder({ ...attempt, runId: 'another' }), paramsOf(3));
    const there = { key: 'leases/orchestrator.json', sha256: foreign.sha256, bytes: 9 };
    await store.put(there.key, new Uint8Array(9));
    read = 0;
    for (const params of [foreign, there, { ...there, bytes: 8 }, { ...there, key: 'runs/another/nothing.json' }]) {
      await expect(anchor.load(stage(3), params)).rejects.toMatchObject({
        kind: 'invalid',
        message: 'the anchor: the params of the anchor must be a blob that an attempt of run r has stored',
      });
    }
    expect(read).toBe(0);
  });

  test('accepts the same load twice, and rejects an older one and other params for the same one', async () => {
    const params = await paramsIn(3);
    const first = await anchor.load(stage(3), params);
    expect(await anchor.load(stage(3), params)).toEqual(first);
    await expect(anchor.load(stage(2), params)).rejects.toMatchObject({ kind: 'out-of-step' });
    await expect(anchor.load(stage(3), await paramsIn(5))).rejects.toMatchObject({ kind: 'out-of-step' });
    expect(closed).toBe(0);
  });
});
