import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TrikdError } from '../errors.js';
import { memoryStore } from '../run/memory-store.js';
import {
  encodeManifest,
  manifestKey,
  manifestsNewestFirst,
  newestManifest,
  type PairManifest,
  parseManifest,
} from './manifest.js';

const blob = { key: 'blobs/a.safetensors', sha256: 'a'.repeat(64), bytes: 12 };
const score = { accuracy: 0.75, nll: 0.5, examples: 8 };

function manifest(changed: Partial<PairManifest> = {}): PairManifest {
  return {
    version: 1,
    runId: 'tiny',
    generation: 1,
    attempt: 1,
    step: 30,
    specDigest: 'b'.repeat(64),
    datasetDigest: 'c'.repeat(64),
    anchor: 'd'.repeat(64),
    teacher: { state: blob },
    student: { state: blob, best: { step: 20, validation: score, test: score, params: blob } },
    writer: 'orchestrator-1',
    ...changed,
  };
}

async function storeOf(...manifests: readonly PairManifest[]) {
  const store = memoryStore();
  for (const one of manifests) await store.create(manifestKey(one), encodeManifest(one));
  return store;
}

test('what is written is what is read, in one text', () => {
  const { anchor: _anchor, ...first } = manifest({ generation: 0 });
  expect(parseManifest(encodeManifest(manifest()))).toEqual(manifest());
  expect(parseManifest(encodeManifest(first))).toEqual(first);
  const turned = Object.fromEntries(Object.entries(manifest()).reverse());
  expect(encodeManifest({ ...manifest(), ...turned })).toEqual(encodeManifest(manifest()));
});

test('a manifest cut at any byte is refused as corrupt', () => {
  const whole = encodeManifest(manifest());
  for (let end = 0; end < whole.length; end++) {
    expect(() => parseManifest(whole.subarray(0, end))).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  }
});

test('flipped bits give a manifest or a refusal by name, never a crash', () => {
  const whole = encodeManifest(manifest());
  fc.assert(
    fc.property(fc.nat(whole.length * 8 - 1), (bit) => {
      const flipped = whole.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      try {
        expect(parseManifest(flipped).version).toBe(1);
      } catch (error) {
        expect(error).toBeInstanceOf(TrikdError);
      }
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['version', { version: 2 }],
  ['attempt', { attempt: 0 }],
  ['step', { step: 1.5 }],
  ['specDigest', { specDigest: 'B'.repeat(64) }],
  ['teacher.state.key', { teacher: { state: { ...blob, key: '../../etc/passwd' } } }],
  ['teacher.state.bytes', { teacher: { state: { ...blob, bytes: -1 } } }],
  [
    'student.best.validation.accuracy',
    { student: { ...manifest().student, best: { ...manifest().student.best, validation: { ...score, accuracy: 2 } } } },
  ],
  ['anchor', { anchor: null }],
  ['Unrecognized key', { weights: 1 }],
])('names %s when it is wrong', (field, changed) => {
  const bytes = Buffer.from(JSON.stringify({ ...manifest(), ...changed }));
  expect(() => parseManifest(bytes)).toThrow(field);
  expect(() => parseManifest(bytes)).toThrow(expect.objectContaining({ kind: 'corrupt' }));
});

test('a field that appears twice is refused', () => {
  const text = Buffer.from(encodeManifest(manifest())).toString().replace('{', '{"step":1,');
  expect(() => parseManifest(Buffer.from(text))).toThrow('"step" appears twice');
});

test('a manifest that no reader would take is not written', () => {
  const bad = manifest({ teacher: { state: { ...blob, bytes: Number.NaN } } });
  expect(() => encodeManifest(bad)).toThrow(expect.objectContaining({ kind: 'invalid' }));
});

test('keys are sorted as their steps and attempts are', () => {
  const place = fc.record({ step: fc.nat(0xffffffff), attempt: fc.integer({ min: 1, max: 0xffffffff }) });
  fc.assert(
    fc.property(place, place, (a, b) => {
      const [keyA, keyB] = [a, b].map((one) => manifestKey({ runId: 'r', generation: 0, ...one }));
      const order = a.step - b.step || a.attempt - b.attempt;
      expect(keyA! < keyB!).toBe(order < 0);
    }),
  );
});

test('a step that a key cannot hold is refused', () => {
  const at = { runId: 'r', generation: 0, attempt: 1 };
  for (const step of [-1, 1.5, 2 ** 32, Number.NaN]) {
    expect(() => manifestKey({ ...at, step })).toThrow(`found ${step}`);
  }
});

test('the newest manifest of a generation is that of the highest step, then of the highest attempt', async () => {
  const newest = manifest({ step: 100, attempt: 2 });
  const store = await storeOf(
    manifest({ step: 9, attempt: 9 }),
    newest,
    manifest({ step: 100 }),
    manifest({ generation: 2, step: 500 }),
    manifest({ runId: 'tiny2', step: 500 }),
  );
  expect(await newestManifest(store, 'tiny', 1)).toEqual({ key: manifestKey(newest), manifest: newest });
  expect(await newestManifest(store, 'tiny', 0)).toBeUndefined();
});

test('a corrupt manifest, or one that lies at the key of another, gives way to the one before it', async () => {
  const sound = manifest({ step: 10 });
  const store = await storeOf(sound);
  await store.put(manifestKey(manifest({ step: 20 })), encodeManifest(manifest({ step: 30 })));
  await store.put(manifestKey(manifest({ step: 40 })), Buffer.from('{'));
  expect((await newestManifest(store, 'tiny', 1))?.manifest).toEqual(sound);
  const found: (string | number)[] = [];
  for await (const one of manifestsNewestFirst(store, 'tiny', 1)) {
    found.push('refusal' in one ? one.refusal.kind : one.manifest.step);
  }
  expect(found).toEqual(['corrupt', 'corrupt', 10]);
});
