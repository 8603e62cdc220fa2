import { INTEL } from '@trikd/testing/runs/numerics';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { otherVersion, sealJson } from './json.js';
import {
  blobsOf,
  encodeManifest,
  loadManifest,
  MANIFEST_VERSION,
  manifestKey,
  manifestPosition,
  manifestsNewestFirst,
  type PairManifest,
  parseManifest,
} from './manifest.js';

describe('load manifest', () => {
  const blob = { key: 'blobs/a.safetensors', sha256: 'a'.repeat(64), bytes: 12 };
  const manifest: PairManifest = {
    version: MANIFEST_VERSION,
    runId: 'tiny',
    stage: 1,
    attempt: 2,
    step: 30,
    specDigest: 'b'.repeat(64),
    datasetDigest: 'c'.repeat(64),
    frozen: { anchor: 'd'.repeat(64) },
    learners: { teacher: { state: blob }, student: { state: blob } },
    writer: 'orchestrator-1',
  };
  const key = manifestKey(manifest);
  const expected: Parameters<typeof loadManifest>[2] = manifest;

  async function loadFrom(bytes: Uint8Array | undefined, wanted = expected) {
    const store = memoryStore();
    if (bytes) await store.put(key, bytes);
    return loadManifest(store, key, wanted);
  }

  test('a manifest is loaded when it is the one that was expected', async () => {
    expect(await loadFrom(encodeManifest(manifest))).toEqual(manifest);
    expect(await loadFrom(encodeManifest(manifest), { ...expected, datasetDigest: undefined })).toEqual(manifest);
  });

  test.each([
    ['runId', { runId: 'other' }],
    ['stage', { stage: 2 }],
    ['step', { step: 40 }],
    ['attempt', { attempt: 3 }],
  ])('one of another %s lies at a key that is not its own', async (_field, changed) => {
    const other = { ...manifest, ...changed };
    await expect(loadFrom(encodeManifest(other))).rejects.toMatchObject({
      kind: 'corrupt',
      message: `manifest of ${manifestKey(other)} lies at ${key}`,
    });
  });

  test.each([
    ['stage', { stage: 2 }, 'stage 1, expected 2'],
    ['specDigest', { specDigest: 'e'.repeat(64) }, `specDigest ${'b'.repeat(64)}, expected ${'e'.repeat(64)}`],
    ['datasetDigest', { datasetDigest: 'e'.repeat(64) }, `datasetDigest ${'c'.repeat(64)}, expected ${'e'.repeat(64)}`],
    ['anchor', { frozen: { anchor: 'e'.repeat(64) } }, `anchor ${'d'.repeat(64)}, expected ${'e'.repeat(64)}`],
    ['set of frozen models', { frozen: {} }, `anchor ${'d'.repeat(64)}, expected none`],
    [
      ...([
        'set of frozen models, with one more',
        { frozen: { ...manifest.frozen, teacher: 'e'.repeat(64) } },
      ] as const),
      `teacher none, expected ${'e'.repeat(64)}`,
    ],
  ])('one of another %s than the reader expects is refused with both', async (_field, changed, problem) => {
    await expect(loadFrom(encodeManifest(manifest), { ...expected, ...changed })).rejects.toMatchObject({
      kind: 'corrupt',
      message: `the manifest ${key} has ${problem}`,
    });
  });

  test('one that is absent was lost', async () => {
    await expect(loadFrom(undefined)).rejects.toMatchObject({
      kind: 'corrupt',
      message: `the manifest ${key} is gone`,
    });
  });

  test('an object larger than any manifest is not read', async () => {
    const store = { ...memoryStore(), size: async () => 2 ** 40, get: () => Promise.reject(new Error('it was read')) };
    await expect(loadManifest(store, key, expected)).rejects.toMatchObject({
      kind: 'corrupt',
      message: `the manifest ${key} has 1099511627776 bytes, at most 2097152 are allowed`,
    });
  });
});

describe('manifest', () => {
  const blob = { key: 'blobs/a.safetensors', sha256: 'a'.repeat(64), bytes: 12 };
  const score = { metrics: { accuracy: 0.75, nll: 0.5 }, examples: 8 };
  const best = { step: 20, validation: score, test: score, params: blob };
  /** A student whose best validation has other metrics. */
  const scoredBy = (metrics: object) => ({
    student: { state: blob, best: { ...best, validation: { ...score, metrics } } },
  });

  function manifest(changed: Partial<PairManifest> = {}): PairManifest {
    return {
      version: MANIFEST_VERSION,
      runId: 'tiny',
      stage: 1,
      attempt: 1,
      step: 30,
      specDigest: 'b'.repeat(64),
      datasetDigest: 'c'.repeat(64),
      frozen: { anchor: 'd'.repeat(64) },
      learners: { teacher: { state: blob }, student: { state: blob, best } },
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
    const each = [
      manifest(),
      manifest({ stage: 0, frozen: {} }),
      manifest({ learners: { 'assistant-1': { state: blob } }, frozen: { teacher: 'd'.repeat(64) } }),
      manifest({ numerics: { teacher: INTEL, anchor: INTEL } }),
    ];
    for (const one of each) expect(parseManifest(encodeManifest(one))).toEqual(one);
    const turned = Object.fromEntries(Object.entries(manifest()).reverse());
    expect(encodeManifest({ ...manifest(), ...turned })).toEqual(encodeManifest(manifest()));
  });

  test.each([
    ['attempt', { attempt: 0 }],
    ['step', { step: 1.5 }],
    ['specDigest', { specDigest: 'B'.repeat(64) }],
    ['learners.teacher.state.key', { learners: { teacher: { state: { ...blob, key: '../../etc/passwd' } } } }],
    ['learners.teacher.state.bytes', { learners: { teacher: { state: { ...blob, bytes: -1 } } } }],
    ['learners.student.best.validation.metrics.accuracy', { learners: scoredBy({ accuracy: null }) }],
    ['learners.student.best.validation.metrics', { learners: scoredBy({ 'A b': 1 }) }],
    ['learners["A b"]', { learners: { 'A b': { state: blob } } }],
    ['frozen.anchor', { frozen: { anchor: null } }],
    ['Unrecognized key', { weights: 1 }],
    ['Unrecognized key', JSON.parse('{"__proto__":{"version":1}}')],
  ])('names %s when it is wrong', (field, changed) => {
    const bytes = sealJson({ ...manifest(), ...changed });
    expect(() => parseManifest(bytes)).toThrow(field);
    expect(() => parseManifest(bytes)).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });

  test.each([2, 4])('a manifest of version %i is refused with the version that is read', (version) => {
    expect(() => parseManifest(sealJson({ ...manifest(), version }))).toThrow(
      expect.objectContaining({ kind: 'corrupt', message: otherVersion('manifest', version, MANIFEST_VERSION) }),
    );
  });

  test('a manifest names the blobs of all its learners', () => {
    const named = (name: string) => ({ ...blob, key: `blobs/${name}.safetensors` });
    const found = blobsOf(
      manifest({
        learners: {
          student: { state: named('a'), best: { ...best, params: named('b') } },
          teacher: { state: named('c') },
        },
      }),
    );
    expect(found).toEqual([named('a'), named('b'), named('c')]);
  });

  test('a manifest that no reader would take is not written', () => {
    const bad = manifest({ learners: { teacher: { state: { ...blob, bytes: Number.NaN } } } });
    expect(() => encodeManifest(bad)).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });

  test('keys are sorted as their steps and attempts are, and tell them', () => {
    const place = fc.record({ step: fc.nat(0xffffffff), attempt: fc.integer({ min: 1, max: 0xffffffff }) });
    fc.assert(
      fc.property(place, place, (a, b) => {
        const [keyA, keyB] = [a, b].map((one) => manifestKey({ runId: 'r', stage: 0, ...one }));
        const order = a.step - b.step || a.attempt - b.attempt;
        expect(keyA! < keyB!).toBe(order < 0);
        expect(manifestPosition(keyA!)).toEqual({ runId: 'r', stage: 0, ...a });
      }),
    );
  });

  test('a step that a key cannot hold is refused', () => {
    const at = { runId: 'r', stage: 0, attempt: 1 };
    for (const step of [-1, 1.5, 2 ** 32, Number.NaN]) {
      expect(() => manifestKey({ ...at, step })).toThrow(`found ${step}`);
    }
  });

  test('the newest manifest of a stage is that of the highest step, then of the highest attempt', async () => {
    const newest = manifest({ step: 100, attempt: 2 });
    const store = await storeOf(
      manifest({ step: 9, attempt: 9 }),
      newest,
      manifest({ step: 100 }),
      manifest({ stage: 2, step: 500 }),
      manifest({ runId: 'tiny2', step: 500 }),
    );
    const first = await manifestsNewestFirst(store, 'tiny', 1).next();
    expect(first.value).toEqual({ key: manifestKey(newest), manifest: newest });
    expect((await manifestsNewestFirst(store, 'tiny', 0).next()).done).toBe(true);
    const steps: (number | undefined)[] = [];
    for await (const { key } of manifestsNewestFirst(store, 'tiny')) steps.push(manifestPosition(key)?.step);
    expect(steps).toEqual([500, 100, 100, 9]);
  });

  test('a corrupt manifest, and one at the key of another, are listed with the reason, before the valid one', async () => {
    const sound = manifest({ step: 10 });
    const store = await storeOf(sound);
    await store.put(manifestKey(manifest({ step: 20 })), encodeManifest(manifest({ step: 30 })));
    await store.put(manifestKey(manifest({ step: 40 })), Buffer.from('{'));
    const found: (string | number)[] = [];
    for await (const one of manifestsNewestFirst(store, 'tiny', 1)) {
      found.push('refusal' in one ? one.refusal.kind : one.manifest.step);
    }
    expect(found).toEqual(['corrupt', 'corrupt', 10]);
  });
});
