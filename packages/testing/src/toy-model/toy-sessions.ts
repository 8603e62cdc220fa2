import type { Dataset } from '@trikd/core/data/split';
import type { TrainedRole } from '@trikd/core/domain/position';
import type { Params } from '@trikd/core/models/params';
import { replicasOf, sourcesOf } from '@trikd/core/stages/stage';
import type { LoadReplica, ReplicaModel } from '@trikd/core/training/replicas/open-replica';
import type { ModelSession } from '@trikd/core/training/role-program';
import { AVERAGING, LOGITS, PREDICT, TRAIN } from '@trikd/core/training/role-program';
import { type ModelSessions, type OpenRemoteReplica, openReplicated } from '@trikd/core/training/sessions';
import type { Feeds } from '@trikd/engine';

// A model of a few words of 24 bits in the place of the engine, mixed by a hash instead of a gradient: cheap and exact. One bit of one
// frame that is wrong, missing or taken twice changes everything that follows. The same holds for the share of a replica.

/** The state that a step began from and the logits that it took, each as a digest. */
export interface TrainedStep {
  readonly stage: number;
  readonly role: TrainedRole;
  /** Of the model's state and the batch; of a replica: of its part, and of what it draws random numbers with. */
  readonly from: number;
  /** Of the logits of the other models. */
  readonly heard: number;
}

export interface ToyOptions {
  /** Takes as long as a part of a step does. */
  pause(): Promise<void>;
  /** Is called for every trained step. */
  trained(step: TrainedStep): void;
}

const WORDS = 8;
const SCALE = 2 ** 24;

/** @param openRemote opens the replicas that have processes of their own; default: there are none */
export function toySessions(options: ToyOptions, openRemote: OpenRemoteReplica = async () => undefined): ModelSessions {
  return {
    async openTrainer(model) {
      const open = async () => {
        await options.pause();
        return trainerSession(model.state ? toyOf(model.state) : freshToy(model), contextOf(model), options);
      };
      if (replicasOf(model.learner) === 1) return open();
      return openReplicated(model, open, (rank) => openRemote(model, rank, numbersOf(model)));
    },
    async openFrozen({ dataset }, _model, params) {
      await options.pause();
      const toy = toyOf(params);
      return {
        run: async (_name, { images }) => {
          await options.pause();
          return { logits: predict(toy, dataset, images as Uint8Array) };
        },
        close: async () => undefined,
      };
    },
  };
}

/** The model of a replica in a process of its own. */
export function toyReplica(options: ToyOptions): LoadReplica {
  return async (model) => {
    await options.pause();
    const toy = freshToy(model);
    return {
      session: trainerSession(toy, contextOf(model), options),
      shapes: new Map([...stateOf(toy, ['param', 'slot'])].map(([name, { shape }]) => [name, shape])),
      mostNumbers: numbersOf(model),
    };
  };
}

/** Numbers of the state of a toy, of its share and of the sum, and of all logits of a step. */
function numbersOf({ spec, dataset, stage, learner }: ToyModel): number {
  return 4 * WORDS + (1 + sourcesOf(stage, learner).length) * spec.batchSize * dataset.classes;
}

/** The state of a model: its params, and the slots of its optimizer. */
interface Toy {
  words: Uint32Array;
  slots: Uint32Array;
}

interface Context {
  readonly dataset: Dataset;
  readonly stage: number;
  readonly role: TrainedRole;
  readonly sources: readonly string[];
  readonly terms: number;
  readonly replicas: number;
}

type ToyModel = Omit<ReplicaModel, 'rank'>;

function contextOf({ dataset, stage, learner }: ToyModel): Context {
  const { slot: role, objective } = learner;
  const [sources, replicas] = [sourcesOf(stage, learner), replicasOf(learner)];
  return { dataset, stage: stage.index, role, sources, terms: objective.length, replicas };
}

function trainerSession(toy: Toy, context: Context, { pause, trained }: ToyOptions): ModelSession {
  const { dataset, stage, role, sources, replicas } = context;
  const closed = Promise.withResolvers<never>();
  closed.promise.catch(() => undefined);
  const orClosed = <T>(work: Promise<T>) => Promise.race([work, closed.promise]);
  let out = Promise.withResolvers<Float32Array>();
  let into = new Map(sources.map((source) => [source, Promise.withResolvers<Float32Array>()]));

  let share = Promise.withResolvers<Float32Array>();
  let sum = Promise.withResolvers<Float32Array>();

  async function train(feeds: Feeds) {
    const { images, labels, seed } = feeds as { images: Uint8Array; labels: Int32Array; seed: Int32Array };
    await pause();
    const start = replicas === 1 ? 1 : fold(1, seed);
    const from = fold(fold(fold(fold(start, toy.words), toy.slots), images), labels);
    const own = forward(toy, dataset, images);
    out.resolve(own);
    let heard = 1;
    for (const port of into.values()) heard = fold(heard, bitsOf(await port.promise));
    await pause();
    trained({ stage, role, from, heard });
    const taken = mix(from, heard);
    if (replicas > 1) share.resolve(shareOf(taken));
    const common = replicas === 1 ? taken : fold(1, bitsOf(await sum.promise));
    const change = fold(common, bitsOf(Float32Array.of(feeds.learningRate as number)));
    toy.words = toy.words.map((word, place) => mix(mix(word, change), place) % SCALE);
    toy.slots = toy.slots.map((slot, place) => mix(mix(slot, toy.words[place]!), change) % SCALE);
    out = Promise.withResolvers();
    into = new Map(sources.map((source) => [source, Promise.withResolvers<Float32Array>()]));
    share = Promise.withResolvers();
    sum = Promise.withResolvers();
    return {
      terms: new Float32Array(context.terms).fill(1 + toy.words[0]! / SCALE),
      gradientNorm: Float32Array.of(1),
      correct: Float32Array.of((replicas * labels.length) / 2),
    };
  }

  return {
    run: (name, feeds) => {
      const images = feeds.images as Uint8Array;
      if (name === PREDICT) {
        return orClosed(pause().then(() => ({ logits: predict(toy, dataset, images) })));
      }
      if (name !== TRAIN) throw new RangeError(`there is no ${name}`);
      return orClosed(train(feeds));
    },
    take: (port) => {
      const value = { [LOGITS]: out, [AVERAGING.share]: share }[port];
      if (!value) throw new RangeError(`there is no port ${port}`);
      return orClosed(value.promise);
    },
    put: async (port, values) => (port === AVERAGING.sum ? sum : into.get(port)!).resolve(values.slice()),
    state: async (kinds = ['param', 'slot']) => stateOf(toy, kinds),
    assign: async (state) => {
      const given = toyOf(new Map([...stateOf(toy, ['param', 'slot']), ...state]));
      toy.words = given.words;
      toy.slots = given.slots;
    },
    close: async () => closed.reject(new Error('CANCELLED')),
  };
}

/** What a replica has to say of a step: numbers whose sum depends on all of them. */
function shareOf(word: number): Float32Array {
  return Float32Array.from({ length: WORDS }, (_, place) => (mix(word, place) % SCALE) / SCALE);
}

function freshToy({ spec, stage, learner }: ToyModel): Toy {
  const seed = mix(mix(spec.seed, stage.index), learner.slot === 'teacher' ? 1 : 2);
  const words = Uint32Array.from({ length: WORDS }, (_, place) => mix(seed, place) % SCALE);
  return { words, slots: new Uint32Array(WORDS) };
}

function stateOf({ words, slots }: Toy, kinds: readonly ('param' | 'slot')[]) {
  const tensor = (from: Uint32Array) => ({
    dtype: 'float32' as const,
    shape: [WORDS],
    data: Float32Array.from(from, (word) => word / SCALE),
  });
  return new Map([
    ...(kinds.includes('param') ? [['words', tensor(words)] as const] : []),
    ...(kinds.includes('slot') ? [['words/momentum', tensor(slots)] as const] : []),
  ]);
}

function toyOf(params: Params): Toy {
  const read = (name: string) => Uint32Array.from(params.get(name)?.data ?? [], (value) => value * SCALE);
  return { words: read('words'), slots: read('words/momentum') };
}

/** Logits between -2 and 2, a function of state and image. */
function forward({ words }: Toy, dataset: Dataset, images: Uint8Array): Float32Array {
  const { classes } = dataset;
  const size = dataset.height * dataset.width * dataset.channels;
  const logits = new Float32Array((images.length / size) * classes);
  for (let row = 0; row * size < images.length; row++) {
    const image = fold(1, images.subarray(row * size, (row + 1) * size));
    for (let col = 0; col < classes; col++) {
      logits[row * classes + col] = (mix(image, words[col % WORDS]! + col) % SCALE) / (SCALE / 4) - 2;
    }
  }
  return logits;
}

/** As `forward`, but right for nine images of ten, others after every step. */
function predict(toy: Toy, dataset: Dataset, images: Uint8Array): Float32Array {
  const logits = forward(toy, dataset, images);
  const size = dataset.height * dataset.width * dataset.channels;
  const labels = labelsOf(dataset);
  for (let row = 0; row * size < images.length; row++) {
    const image = images.subarray(row * size, (row + 1) * size);
    const label = labels.get(nameOf(image));
    if (label !== undefined && mix(fold(1, image), toy.words[0]!) % 256 < 230)
      logits[row * dataset.classes + label] = 3;
  }
  return logits;
}

const known = new WeakMap<Dataset, ReadonlyMap<string, number>>();

/** The label of every image of a dataset, by its pixels. */
function labelsOf(dataset: Dataset): ReadonlyMap<string, number> {
  let labels = known.get(dataset);
  if (!labels) {
    const size = dataset.height * dataset.width * dataset.channels;
    labels = new Map(
      [dataset.train, dataset.validation, dataset.test].flatMap((split) =>
        Array.from(split.labels, (label, index): [string, number] => [
          nameOf(split.images.subarray(index * size, (index + 1) * size)),
          label,
        ]),
      ),
    );
    known.set(dataset, labels);
  }
  return labels;
}

function nameOf(image: Uint8Array): string {
  return Buffer.from(image.buffer, image.byteOffset, image.length).toString('latin1');
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

/** Mixes two words into one (a step of MurmurHash3). */
function mix(a: number, b: number): number {
  let hash = Math.imul(a ^ Math.imul(b, 0xcc9e2d51), 0x1b873593);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  return hash >>> 0;
}

function fold(start: number, words: ArrayLike<number>): number {
  let hash = start;
  for (let place = 0; place < words.length; place++) hash = mix(hash + place, words[place]!);
  return hash;
}
