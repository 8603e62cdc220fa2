import { readFileSync } from 'node:fs';
import { decodeSafetensors } from '@trikd/core/checkpoint/safetensors';
import type { Dataset } from '@trikd/core/data/split';
import type { HostTensor, Params } from '@trikd/core/models/params';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { type Scheduled, valueAt } from '@trikd/core/spec/term-spec';
import { learnerOf } from '@trikd/core/stages/stage';
import { stageAt } from '@trikd/core/stages/stages-of';
import {
  LOGITS,
  optimizerFeeds,
  randomFeeds,
  TRAIN,
  temperatureInput,
  traceTrainer,
  weightInput,
} from '@trikd/core/training/role-program';
import { Engine, type Session } from '@trikd/engine';
import { describe, expect, test } from 'vitest';

const file = (extension: string) => new URL(`./resnet8_step.${extension}`, import.meta.url);

type OptimizerName = 'sgd' | 'adamw';
type Part = 'task' | 'peer' | 'anchor';

interface Hint {
  readonly weight: number;
  readonly temperature: number;
}

/** The JSON of the script that made the numbers. */
interface Golden extends Readonly<Record<OptimizerName, readonly GoldenStep[]>> {
  readonly settings: {
    readonly mean: number;
    readonly std: number;
    readonly clipNorm: number;
    readonly terms: { readonly task: number; readonly peer: Hint; readonly anchor: Hint };
  } & Readonly<Record<OptimizerName, Readonly<Record<string, number | boolean>>>>;
}

interface GoldenStep {
  readonly learningRate: number;
  readonly terms: Readonly<Record<Part, number>>;
  readonly gradientNorm: number;
}

const golden = JSON.parse(readFileSync(file('json'), 'utf8')) as Golden;
const tensors = decodeSafetensors(readFileSync(file('safetensors'))).params;
const { settings } = golden;
const { terms } = settings;

/** The tensors under a path, by what remains of their names. */
function under(path: string): Params {
  const inside = [...tensors].filter(([name]) => name.startsWith(path));
  return new Map(inside.map(([name, tensor]) => [name.slice(path.length), tensor]));
}

const tensor = (name: string): HostTensor => {
  const found = tensors.get(name);
  if (!found) throw new TypeError(`there is no tensor ${name}`);
  return found;
};

const images = { count: 6, images: new Uint8Array(0), labels: new Uint8Array(0) };
const dataset: Dataset = {
  ...{ height: 8, width: 8, channels: 1, classes: 5 },
  ...{ train: images, validation: images, test: images, digest: '' },
  ...{ mean: [settings.mean], std: [settings.std] },
};

function specOf(optimizer: OptimizerName): RunSpec {
  const objective = [
    { kind: 'task', weight: terms.task },
    { kind: 'distillation', from: 'peer', ...terms.peer },
    { kind: 'distillation', from: 'anchor', ...terms.anchor },
  ];
  const model = { kind: 'resnet', depth: 8, width: 4 };
  const role = {
    model,
    objective,
    optimizer: { kind: optimizer, ...settings[optimizer] },
    clipNorm: settings.clipNorm,
  };
  const data = { kind: 'synthetic' };
  return RunSpec.parse({
    name: 'golden',
    data,
    batchSize: 6,
    epochs: 1,
    student: role,
    teacher: role,
    engine: { threads: 1 },
  });
}

/** Stage 1, which has all three terms. */
const stageOf = (spec: RunSpec) => stageAt(spec, 1, true);
const student = (spec: RunSpec) => learnerOf(stageOf(spec), 'student');

interface Step {
  readonly logits: Float32Array;
  readonly outputs: Readonly<Record<string, Float32Array>>;
  readonly state: Params;
}

/** One step of a role's own program, with the exchange in its middle; steps count from 1. */
async function runStep(session: Session, spec: RunSpec, rate: number, step: number): Promise<Step> {
  const input = (name: string) => tensor(`input/${step}/${name}`).data;
  const { objective, optimizer } = student(spec);
  const moment = { step: step - 1, totalSteps: 2, generation: 1 };
  const running = session.run(TRAIN, {
    images: input('images'),
    labels: input('labels'),
    learningRate: rate,
    clipNorm: settings.clipNorm,
    ...Object.fromEntries(objective.map((term, index) => [weightInput(index), valueAt(term.weight, moment)])),
    ...Object.fromEntries(
      objective.map((term, i) => [
        temperatureInput(i),
        term.kind === 'task' ? 1 : valueAt(term.temperature as Scheduled, moment),
      ]),
    ),
    ...randomFeeds(spec, stageOf(spec), student(spec), step - 1),
    ...optimizerFeeds(optimizer, step - 1),
  });
  const logits = await session.take(LOGITS);
  for (const [source, name] of Object.entries({ teacher: 'peer', anchor: 'anchor' })) {
    await session.put(source, Float32Array.from(input(name)));
  }
  return { logits, outputs: await running, state: await session.state() };
}

async function trainTwoSteps(name: OptimizerName): Promise<readonly Step[]> {
  const spec = specOf(name);
  const program = traceTrainer({ spec, dataset }, stageOf(spec), student(spec));
  const session = await (await Engine.open(spec.engine)).load(program, under('initial/'));
  try {
    const steps: Step[] = [];
    for (const [index, { learningRate }] of golden[name].entries()) {
      steps.push(await runStep(session, spec, learningRate, index + 1));
    }
    return steps;
  } finally {
    await session.close();
  }
}

/**
 * The engine computes in float32, the golden numbers in float64: a sum of n terms then differs by about sqrt(n) · 6e-8 of its
 * largest, and two steps of a net of seven convolutions make that 2e-6 in logits and gradients. AdamW divides a gradient by its own
 * size, so it shows the relative error of the smallest ones. Measured, everything stays within a tenth of this tolerance; another
 * CPU may sum in another order.
 */
const TOLERANCE = { relative: 5e-5, absolute: 5e-6 };

/** Names of the tensors that are apart by more than the tolerance, with the largest difference in units of it. */
function differences(actual: ReadonlyMap<string, ArrayLike<number>>, expected: ReadonlyMap<string, ArrayLike<number>>) {
  return [...expected].flatMap(([name, wanted]) => {
    const got = actual.get(name) ?? [];
    const apart = Array.from(wanted, (value, i) => {
      return Math.abs((got[i] ?? Number.NaN) - value) / (TOLERANCE.absolute + TOLERANCE.relative * Math.abs(value));
    });
    return got.length === wanted.length && apart.every((distance) => distance <= 1) ? [] : [[name, Math.max(...apart)]];
  });
}

const data = (params: Params) => new Map([...params].map(([name, { data: values }]) => [name, values] as const));

describe.each<OptimizerName>(['sgd', 'adamw'])('two steps of a ResNet-8 with %s agree with numpy', async (name) => {
  const steps = await trainTwoSteps(name);

  describe.each([1, 2])('at step %d', (number) => {
    const { logits, outputs, state } = steps[number - 1]!;
    const expected = golden[name][number - 1]!;
    const after = under(`${name}/${number}/`);

    test('in the logits', () => {
      const wanted = new Map([['logits', after.get('logits')!.data]]);
      expect(differences(new Map([['logits', logits]]), wanted)).toEqual([]);
    });

    test('in every weighted term of the loss and in the gradient norm', () => {
      const { task, peer, anchor } = expected.terms;
      const wanted = new Map([
        ['terms', [task, peer, anchor]],
        ['gradientNorm', [expected.gradientNorm]],
      ]);
      expect(differences(new Map(Object.entries(outputs)), wanted)).toEqual([]);
    });

    test('in every weight, moving statistic and optimizer slot', () => {
      const wanted = new Map([...data(after)].filter(([path]) => path !== 'logits'));
      expect(wanted.size).toBeGreaterThan(45);
      expect(differences(data(state), wanted)).toEqual([]);
      // The slots of AdamW are in the file after step 2 alone.
      if (name === 'sgd' || number === 2) expect(new Set(state.keys())).toEqual(new Set(wanted.keys()));
    });
  });
});

test('the step would be another without clipping, which both steps of both optimizers need', () => {
  const norms = [...golden.sgd, ...golden.adamw].map(({ gradientNorm }) => gradientNorm);
  expect(Math.min(...norms)).toBeGreaterThan(settings.clipNorm);
});
