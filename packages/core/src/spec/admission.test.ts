import { describe, expect, test } from 'vitest';
import { TrikdError } from '../domain/errors.js';
import { AdmissionLimits, assertAdmitted, costsOf, type DataSize, excesses, ownAdmission } from './admission.js';
import { RunSpec } from './run-spec.js';

const limits = AdmissionLimits.parse({});
const role = (model: object) => ({ model, objective: [{ kind: 'task' }] });
const small = role({ kind: 'plain-cnn', channels: [4] });
const written = { name: 'r', data: { kind: 'synthetic' }, epochs: 1, student: small, teacher: small };
const spec = (changes: object = {}) => RunSpec.parse({ ...written, ...changes });

/** The names of the limits that a spec is above, with their fields. */
function named(changes: object, data?: DataSize): readonly string[] {
  return excesses(spec(changes), limits, data).map(({ limit, field }) => `${field} ${limit}`);
}

describe('within the default limits are', () => {
  const resnet = (depth: number, width: number | number[] = 16) => role({ kind: 'resnet', depth, width });
  const colour = (side: number, classes: number, train: number) => ({
    ...{ kind: 'synthetic', height: side, width: side, channels: 3, classes, train, validation: 5000, test: 10_000 },
  });

  test.each([
    ['the images of CIFAR and a ResNet-110', { data: colour(32, 100, 45_000), teacher: resnet(110) }],
    ['1,000 classes', { data: colour(64, 1000, 100_000), batchSize: 256, teacher: resnet(20, [64, 256, 512, 1024]) }],
    [
      'images of 224x224',
      {
        ...{ data: { ...colour(224, 1000, 5000), validation: 500, test: 500 }, batchSize: 32, student: resnet(8) },
        teacher: resnet(20, [32, 64, 128, 256]),
      },
    ],
    ['60,000 epochs with a validation after each', { epochs: 60_000 }],
    [
      'a frame of 20 MB in float32, of which float16 sends 10',
      {
        ...{ batchSize: 500, exchange: { precision: 'float16' } },
        data: { kind: 'synthetic', classes: 10_000, train: 500 },
      },
    ],
    ['a checkpoint every 30 days', { checkpoint: { everySeconds: 2_592_000 } }],
  ])('%s', (_what, changes) => {
    expect(named(changes)).toEqual([]);
  });
});

describe('above the default limits are', () => {
  const cnn = (channels: number[], hidden: number[] = []) => role({ kind: 'plain-cnn', channels, hidden });
  const data = (changes: object) => ({ data: { kind: 'synthetic', ...changes } });

  test.each([
    ['a layer of 65,536 channels', { student: cnn([65_536]) }, ['student.model layerWidth']],
    [
      'dense layers of 30,000 units',
      { teacher: cnn([4], [3e4, 3e4]) },
      [...['teacher.model params', 'teacher.model modelBytes', 'teacher.model layerWidth']],
    ],
    [
      'more slots of AdamW than there is room for',
      { student: { ...cnn([16], [8000, 8000, 8000]), optimizer: { kind: 'adamw' } } },
      [...['student.model modelBytes']],
    ],
    [
      'more gradients to compare than there is room for',
      {
        student: {
          ...cnn([16], [5000, 5000]),
          objective: [
            { kind: 'task' },
            ...Array.from({ length: 20 }, () => ({
              kind: 'distillation',
              from: 'peer',
              gate: { kind: 'params-similarity' },
            })),
          ],
        },
      },
      [...['student.model modelBytes']],
    ],
    ['600 layers', { student: cnn(Array(600).fill(1)), ...data({ height: 1, width: 1 }) }, ['student.model layers']],
    ['65,536 classes', { batchSize: 1, ...data({ classes: 65_536 }) }, ['data classes']],
    ['a frame of 20 MB', { batchSize: 500, ...data({ classes: 10_000, train: 500 }) }, ['batchSize frameBytes']],
    [
      'frames of 320 MB in a window',
      { batchSize: 500, ...data({ classes: 2500, train: 500 }), exchange: { window: 64 } },
      [...['exchange.window windowBytes']],
    ],
    ['a batch of 20,000', { batchSize: 20_000, ...data({ train: 20_000 }) }, ['batchSize batchSize']],
    ['10 million images', data({ train: 1e7 }), ['data datasetImages']],
    [
      'images of 2000x2000',
      { batchSize: 1, ...data({ height: 2000, width: 2000, train: 4, validation: 1, test: 1 }) },
      [...['data imageBytes']],
    ],
    [
      '3,000 images of 1000x1000',
      { batchSize: 1, ...data({ height: 1000, width: 1000, train: 3000 }) },
      ['data datasetBytes'],
    ],
    [
      'a billion epochs with a validation after each',
      { epochs: 1e9, batchSize: 256 },
      [...['evaluation.everyEpochs validations']],
    ],
    [
      'more steps than a position counts',
      { epochs: 4e9, batchSize: 64, evaluation: { everyEpochs: 4e9 } },
      ['epochs steps'],
    ],
    ['1,024 threads', { engine: { threads: 1024 } }, ['engine.threads threads']],
    [
      '32 replicas of 8 threads',
      { batchSize: 64, engine: { threads: 8 }, student: { ...cnn([4]), replicas: 32 } },
      ['engine.threads threads', 'student.replicas replicas'],
    ],
    [
      'a step that waits for two days',
      { exchange: { stepTimeout: 172_800 } },
      ['exchange.stepTimeout stepTimeoutSeconds'],
    ],
  ])('%s', (_what, changes, expected) => {
    expect(named(changes)).toEqual(expected);
  });

  test('the outputs of wide layers on large images', () => {
    expect(named({ ...data({ height: 1000, width: 1000, train: 128 }), student: cnn([512, 512]) })).toContain(
      'student.model activationBytes',
    );
  });
});

test('a run that is not admitted is refused with every reason: field, value, limit and its name', () => {
  const changes = {
    engine: { threads: 500 },
    exchange: { stepTimeout: 100_000 },
    data: { kind: 'idx', folder: '/etc' },
  };
  const refused = () => assertAdmitted(spec(changes), { limits, data: { names: ['mnist'], paths: false } });
  expect(refused).toThrow(
    'run r is not admitted:\n' +
      '  data.folder: this service reads no path that a spec names: set data.name to a dataset, one of mnist\n' +
      '  engine.threads: 500 threads, limit admission.threads: 128\n' +
      '  exchange.stepTimeout: 100000 seconds to wait for a frame, limit admission.stepTimeoutSeconds: 86400\n' +
      'make the run smaller, or raise the limit in the configuration of the services',
  );
  const violations = [
    expect.objectContaining({ field: 'spec.data.folder' }),
    { field: 'spec.engine.threads', description: '500 threads, limit admission.threads: 128' },
    expect.objectContaining({ field: 'spec.exchange.stepTimeout' }),
  ];
  expect(refused).toThrow(expect.objectContaining({ kind: 'invalid', details: { violations } }));
  expect(refused).toThrow(TrikdError);
});

test('a limit that is lowered refuses what the default admits', () => {
  const stages = (most: number) => () =>
    assertAdmitted(spec({ curriculum: { generations: 7 } }), ownAdmission(AdmissionLimits.parse({ stages: most })));
  expect(stages(6)).toThrow('7 stages, limit admission.stages: 6');
  expect(stages(7)).not.toThrow();
});

describe('of data in files', () => {
  const idx = { data: { kind: 'idx', validation: 1000 } };
  const size = { height: 1000, width: 1000, channels: 1, classes: 10, images: 3000, bytes: 3e9, train: 2000 };

  test('the sizes are checked once their headers are read', () => {
    expect(named({ ...idx, batchSize: 1 })).toEqual([]);
    expect(named({ ...idx, batchSize: 1 }, size)).toEqual(['data datasetBytes']);
  });

  test('a model that no image fits is refused before they are read', () => {
    expect(named({ ...idx, student: role({ kind: 'plain-cnn', channels: [4], hidden: [3e4, 3e4] }) })).toContain(
      'student.model params',
    );
  });

  test('more images than the limit are refused before they are read', () => {
    expect(named({ data: { kind: 'idx', train: 1e9 } })).toContain('data datasetImages');
  });
});

test('of synthetic identities the classes are those of training, and every identity has a prototype', () => {
  const data = { kind: 'synthetic-identities', perIdentity: 4, train: 64, validation: 32, test: 32, noise: 1 };
  const size = Object.fromEntries(
    costsOf(spec({ data, task: 'verification', batchSize: 8 })).map(({ limit, value }) => [limit, value]),
  );
  expect(size).toMatchObject({ classes: 16, datasetImages: 128, datasetBytes: (128 + 32) * 64 });
});

test('the head of a task counts: an embedding is a layer, and its width has a limit', () => {
  const data = { kind: 'synthetic-identities', train: 128 };
  const paramsOf = (embedding: number) => {
    const costs = costsOf(spec({ data, batchSize: 8, task: { kind: 'verification', embedding } }));
    return costs.find(({ limit, field }) => limit === 'params' && field === 'student.model')!.value;
  };
  // Of 8 x 8 x 4 features, 32 identities and the batch norm of the embedding.
  expect(paramsOf(3) - paramsOf(2)).toBe(8 * 8 * 4 + 32 + 4);
  expect(named({ data, task: { kind: 'verification', embedding: 9000 } })).toEqual([
    'student.model layerWidth',
    'teacher.model layerWidth',
  ]);
});

test('a module is admitted where the operator has a folder of modules, and with its digest', () => {
  const sha256 = 'a'.repeat(64);
  const module = (changes: object = {}) => spec({ student: role({ kind: 'module', file: 'net.ts', ...changes }) });
  const admission = ownAdmission(limits);
  expect(() => assertAdmitted(module({ sha256 }), admission)).not.toThrow();
  expect(() => assertAdmitted(module(), admission)).toThrow('student.model.sha256: missing');
  expect(() => assertAdmitted(module({ sha256 }), { ...admission, modules: false })).toThrow(
    'student.model.file: this service runs no module',
  );
});
