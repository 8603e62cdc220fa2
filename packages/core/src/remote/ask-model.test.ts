import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { describe, expect, test } from 'vitest';
import { TrikdError } from '../domain/errors.js';
import { type InferenceRequest, type InferenceServer, openAsking, sentImages } from './ask-model.js';
import type { RemoteModel } from './remote-model.js';

const data = { height: 1, width: 1, channels: 1, classes: 2, batchSize: 4 };
const batch = { step: 3, images: Uint8Array.of(1, 2, 3, 4), labels: new Int32Array(4), digest: 'd' };
const away = new TrikdError('unavailable', 'connection refused');
const model: RemoteModel = { endpoint: 'there', model: 'm', layout: 'nhwc' };

/** A server that doubles pixels, and fails its calls in turn. */
function serve(failures: (Error | undefined)[] = []) {
  const requests: InferenceRequest[] = [];
  const fail = () => {
    const failure = failures.shift();
    if (failure) throw failure;
  };
  const server: InferenceServer = {
    async metadata() {
      fail();
      const images = { name: 'images', datatype: 'UINT8', shape: [-1, 1, 1, 1] };
      return { inputs: [images], outputs: [{ name: 'logits', datatype: 'FP32', shape: [-1, 2] }] };
    },
    async infer(request) {
      requests.push(request);
      fail();
      const logits = Float32Array.from([...request.raw].flatMap((pixel) => [pixel, 2 * pixel]));
      const raw = new Uint8Array(logits.buffer);
      return [{ name: 'logits', datatype: 'FP32', shape: [request.raw.length, 2], raw }];
    },
    close: () => undefined,
  };
  const clock = virtualClock();
  const troubles: (string | undefined)[] = [];
  const calls: unknown[] = [];
  const open = (of = model, signal = new AbortController().signal) =>
    openAsking(
      of,
      data,
      { mean: [0], std: [1] },
      {
        ...{ server, clock, signal, random: () => 1, patienceSeconds: 60 },
        trouble: (reason) => troubles.push(reason),
        called: (step, started, ended, outcome) => calls.push([step, started, ended, outcome]),
      },
    );
  return { open, requests, clock, troubles, calls };
}

describe('a model that is asked for a batch', () => {
  test('gets its images in requests of the size that it takes', async () => {
    const { open, requests } = serve();
    const ask = await open({ ...model, rows: 2 });
    expect(await ask(batch)).toEqual(Float32Array.of(1, 2, 2, 4, 3, 6, 4, 8));
    expect(requests.map(({ raw }) => [...raw])).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(requests[0]?.shape).toEqual([2, 1, 1, 1]);
  });

  test('is asked again, with longer pauses, until it answers', async () => {
    const busy = new TrikdError('exhausted', 'too many requests');
    const { open, clock, troubles, calls } = serve([undefined, away, away, busy]);
    const answer = (await open())(batch);
    await clock.advance(10_000);
    expect(await answer).toHaveLength(8);
    expect(troubles).toEqual(['connection refused', 'too many requests', undefined]);
    expect(calls).toEqual([
      [3, 0, 0, 'failed'],
      [3, 100, 100, 'failed'],
      [3, 300, 300, 'failed'],
      [3, 700, 700, 'answered'],
    ]);
  });

  test('is given up when it has not answered in time, by name', async () => {
    const { open, clock } = serve(Array.from({ length: 1000 }, () => away));
    const opening = open();
    const failed = expect(opening).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'model m at there has not answered for 10 s; the log of the anchor-server says why',
    });
    await clock.advance(61_000);
    await failed;
    expect(clock.sleepers).toBe(0);
  });

  test('is not asked again after an error that remains', async () => {
    const { open, requests } = serve([undefined, new TrikdError('not-found', 'there is no model m')]);
    await expect((await open())(batch)).rejects.toMatchObject({
      kind: 'not-found',
      message: 'model m at there: there is no model m',
    });
    expect(requests).toHaveLength(1);
  });

  test('is left at once when nobody needs it any more', async () => {
    const { open, clock } = serve([undefined, ...Array.from({ length: 10 }, () => away)]);
    const over = new AbortController();
    const answer = (await open(model, over.signal))(batch);
    const failed = expect(answer).rejects.toThrow('over');
    await clock.advance(1000);
    over.abort(new Error('over'));
    await failed;
    expect(clock.sleepers).toBe(0);
  });
});

const shape = { height: 1, width: 2, channels: 3 };
const normalisation = { mean: [0.1, 0.5, 0.9], std: [0.2, 0.3, 1] };
const form = { input: 'images', output: 'logits', rows: 1, datatype: 'FP32', layout: 'nhwc', pixels: 'raw' } as const;
const image = Uint8Array.of(0, 1, 2, 253, 254, 255);
const floats = (bytes: Uint8Array) => [...new Float32Array(bytes.buffer)];

test('raw pixels keep their values, and channels come first where the model wants them so', () => {
  expect(sentImages({ ...form, datatype: 'UINT8' }, shape, normalisation)(image)).toEqual(image);
  expect(sentImages({ ...form, datatype: 'UINT8', layout: 'nchw' }, shape, normalisation)(image)).toEqual(
    Uint8Array.of(0, 253, 1, 254, 2, 255),
  );
  expect(floats(sentImages({ ...form, layout: 'nchw' }, shape, normalisation)(image))).toEqual([
    0, 253, 1, 254, 2, 255,
  ]);
});

test('normalised pixels are (pixel / 255 - mean) / std of their channel, rounded to float32 after each operation', () => {
  const sent = floats(sentImages({ ...form, pixels: 'normalised' }, shape, normalisation)(image));
  for (const [at, pixel] of image.entries()) {
    const [mean, std] = [normalisation.mean[at % 3]!, normalisation.std[at % 3]!];
    expect(sent[at]).toBeCloseTo((pixel / 255 - mean) / std, 5);
    const scaled = Math.fround(pixel * Math.fround(1 / (255 * std)));
    expect(sent[at]).toBe(Math.fround(scaled + Math.fround(-mean / std)));
  }
});
