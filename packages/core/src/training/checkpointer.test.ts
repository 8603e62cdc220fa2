import { describe, expect, test } from 'vitest';
import { TrikdError } from '../domain/errors.js';
import type { Blob } from '../domain/role-checkpoint.js';
import type { Params } from '../models/params.js';
import { type Best, createCheckpointer } from './checkpointer.js';
import type { TrainerEvent } from './ports.js';

const paramsOf = (value: number): Params =>
  new Map([['value', { dtype: 'float32', shape: [1], data: Float32Array.of(value) }]]);
const bestOf = (value: number): Best => ({
  step: value,
  validation: { metrics: { accuracy: 0.5, nll: 1 }, examples: 10 },
  values: paramsOf(value),
});

/** A state that is the number of the step, and a store that takes each save when the test says so. */
function rig() {
  let step = 0;
  const events: TrainerEvent[] = [];
  const saves: { readonly value: number; store(): void; fail(error: Error): void }[] = [];
  const life = new AbortController();
  const save = (params: Params) => {
    const { promise, resolve, reject } = Promise.withResolvers<Blob>();
    const value = params.get('value')!.data[0]!;
    saves.push({ value, store: () => resolve({ key: `k${value}`, sha256: 'aa', bytes: 4 }), fail: reject });
    return promise;
  };
  const session = { state: async () => new Map(paramsOf(step)) };
  const checkpoints = createCheckpointer(session, { save, emit: (event) => events.push(event), signal: life.signal });
  const begin = (at: number, best?: Best) => {
    step = at;
    return checkpoints.begin(at, best);
  };
  const emitted = () =>
    events.flatMap((event) =>
      event.kind === 'checkpoint' ? [[event.checkpoint.step, event.checkpoint.state.key]] : [],
    );
  return { checkpoints, begin, saves, events, emitted, life };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a checkpoint', () => {
  test('starts at once, and is emitted when it is stored', async () => {
    const { checkpoints, begin, saves, emitted } = rig();
    await begin(4);
    await turn();
    expect(emitted()).toEqual([]);
    saves[0]!.store();
    await checkpoints.settled();
    expect(emitted()).toEqual([[4, 'k4']]);
  });

  test('waits for the one before, and is a copy of the state after that wait', async () => {
    const { checkpoints, begin, saves, emitted } = rig();
    await begin(4);
    let begun = false;
    const second = begin(8).then(() => {
      begun = true;
    });
    await turn();
    expect([begun, saves.length]).toEqual([false, 1]);
    saves[0]!.store();
    await second;
    saves[1]!.store();
    await checkpoints.settled();
    expect(emitted()).toEqual([
      [4, 'k4'],
      [8, 'k8'],
    ]);
  });

  test('names the best params, which are stored once', async () => {
    const { checkpoints, begin, saves, events } = rig();
    const best = bestOf(3);
    await begin(4, best);
    saves[0]!.store();
    await turn();
    expect(saves.map(({ value }) => value)).toEqual([4, 3]);
    saves[1]!.store();
    await begin(8, best);
    saves[2]!.store();
    await checkpoints.settled();
    expect(saves).toHaveLength(3);
    expect(events).toMatchObject([
      { checkpoint: { step: 4, best: { step: 3, params: { key: 'k3' } } } },
      { checkpoint: { step: 8, best: { step: 3, params: { key: 'k3' } } } },
    ]);
  });

  test('of the same step stores nothing again, and is emitted again only with other best params', async () => {
    const { checkpoints, begin, saves, emitted } = rig();
    const best = { ...bestOf(3), blob: { key: 'k3', sha256: 'aa', bytes: 4 } };
    await begin(4, best);
    saves[0]!.store();
    await begin(4, best);
    await checkpoints.settled();
    expect(emitted()).toHaveLength(1);
    await begin(4, { ...best, test: best.validation });
    await checkpoints.settled();
    expect(saves).toHaveLength(1);
    expect(emitted()).toEqual([
      [4, 'k4'],
      [4, 'k4'],
    ]);
  });

  test('that cannot be stored fails every later call', async () => {
    const { checkpoints, begin, saves, emitted } = rig();
    const full = new TrikdError('invalid', 'too large');
    await begin(4);
    expect(() => checkpoints.assertSound()).not.toThrow();
    saves[0]!.fail(full);
    await turn();
    expect(() => checkpoints.assertSound()).toThrow(full);
    await expect(checkpoints.settled()).rejects.toBe(full);
    await expect(begin(8)).rejects.toBe(full);
    expect(emitted()).toEqual([]);
  });

  test('is not awaited when training is abandoned, nor emitted when training has ended', async () => {
    const { checkpoints, begin, saves, emitted, life } = rig();
    const reason = new TrikdError('out-of-step', 'superseded');
    await begin(4);
    const waiting = expect(checkpoints.settled()).rejects.toBe(reason);
    life.abort(reason);
    await waiting;
    checkpoints.leave();
    saves[0]!.store();
    await turn();
    expect(emitted()).toEqual([]);
  });
});
