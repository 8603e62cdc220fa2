import { classesIn } from '@trikd/core/data/formats/idx';
import {
  LONGEST_NPY_HEADER,
  type NpyHeader,
  npyImages,
  npyLabelCount,
  npyLabels,
  readNpyHeader,
} from '@trikd/core/data/formats/npy';
import {
  type ImageShape,
  imageBytes,
  type LabelledImages,
  type Labels,
  makeLabels,
} from '@trikd/core/data/image-source';
import { TrikdError } from '@trikd/core/domain/errors';
import type { StoredImages } from './stored-images.js';
import { openZip, type ZipFile, type ZipMember } from './zip-file.js';

/** The names of two arrays. */
interface Names {
  readonly images: string;
  readonly labels: string;
}

interface Layout {
  /** Of what validation and training images are drawn from. Those that a file lacks are left out but for the first. */
  readonly train: readonly Names[];
  readonly test?: Names;
}

const pair = (images: string, labels: string): Names => ({ images, labels });

/** The names of the arrays in files of MedMNIST, of Keras, and in one of no test images. */
const LAYOUTS: readonly Layout[] = [
  {
    train: [pair('train_images', 'train_labels'), pair('val_images', 'val_labels')],
    test: pair('test_images', 'test_labels'),
  },
  { train: [pair('x_train', 'y_train')], test: pair('x_test', 'y_test') },
  { train: [pair('images', 'labels')] },
];

/** An array of which only the header is read. */
interface OpenArray {
  readonly header: NpyHeader;
  content(): AsyncGenerator<Buffer, void>;
}

interface OpenPair {
  readonly images: OpenArray;
  readonly labels: OpenArray;
  readonly shape: ImageShape & { readonly count: number };
}

/**
 * Opens a NumPy file of images and their labels, and reads the headers of its arrays.
 * @returns undefined when there is no such file
 * @throws TrikdError 'invalid' for any other file, and when arrays contradict each other
 */
export async function openNpz(path: string): Promise<StoredImages | undefined> {
  const zip = await openZip(path);
  if (!zip) return undefined;
  try {
    return await stored(zip);
  } catch (error) {
    await zip.close();
    throw error;
  }
}

async function stored(zip: ZipFile): Promise<StoredImages> {
  const { path, close } = zip;
  const layout = layoutOf(zip);
  const train: OpenPair[] = [];
  for (const names of layout.train.filter(({ images }) => arrayNamed(zip, images)))
    train.push(await opened(zip, names));
  const test = layout.test && (await opened(zip, layout.test));
  const { height, width, channels } = train[0]!.shape;
  const shape = { height, width, channels };
  for (const each of [...train, ...(test ? [test] : [])]) assertAlike(each, train[0]!);
  const count = train.reduce((sum, each) => sum + each.shape.count, 0);
  return {
    layout: { ...shape, train: count, test: test?.shape.count ?? 0 },
    classes: 2,
    read: async (admit) => {
      const labels = [await labelsOf(train), ...(test ? [await labelsOf([test])] : [])];
      const classes = classesIn(...labels);
      admit(classes);
      const source = { name: path, ...shape, classes, train: await imagesOf(train, shape, labels[0]!) };
      return test ? { ...source, test: await imagesOf([test], shape, labels[1]!) } : source;
    },
    close,
  };
}

function layoutOf(zip: ZipFile): Layout {
  const found = LAYOUTS.find(({ train, test }) =>
    [train[0]!, ...(test ? [test] : [])].every(
      ({ images, labels }) => arrayNamed(zip, images) && arrayNamed(zip, labels),
    ),
  );
  if (found) return found;
  const expected = LAYOUTS.map(({ train, test }) =>
    [train[0]!, ...(test ? [test] : [])].flatMap(({ images, labels }) => [images, labels]).join(', '),
  );
  throw new TrikdError('invalid', `${zip.path}: expected the arrays ${expected.join('; or ')}`, { path: zip.path });
}

function arrayNamed({ members }: ZipFile, name: string): ZipMember | undefined {
  return members.get(`${name}.npy`);
}

async function opened(zip: ZipFile, names: Names): Promise<OpenPair> {
  const [images, labels] = [await openArray(zip, names.images), await openArray(zip, names.labels)];
  const shape = npyImages(images.header);
  const count = npyLabelCount(labels.header);
  if (count === shape.count) return { images, labels, shape };
  throw new TrikdError('invalid', `${labels.header.name} has ${count} labels for ${shape.count} images`);
}

async function openArray(zip: ZipFile, name: string): Promise<OpenArray> {
  const member = arrayNamed(zip, name);
  const what = `${zip.path}: ${name}`;
  if (!member) throw new TrikdError('invalid', `${zip.path}: there is no array ${name}`, { path: zip.path });
  const header = readNpyHeader(what, await beginning(member));
  const { start, length } = header;
  if (start + length !== member.bytes) {
    const shape = header.shape.join('x');
    throw new TrikdError('invalid', `${what} of shape ${shape} needs ${start + length} bytes, found ${member.bytes}`);
  }
  return { header, content: () => after(start, member.chunks()) };
}

async function beginning({ chunks }: ZipMember): Promise<Buffer> {
  const read: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks()) {
    read.push(chunk);
    length += chunk.length;
    if (length >= LONGEST_NPY_HEADER) break;
  }
  return Buffer.concat(read).subarray(0, LONGEST_NPY_HEADER);
}

/** The chunks without their first bytes. */
async function* after(start: number, chunks: AsyncGenerator<Buffer, void>): AsyncGenerator<Buffer, void> {
  let left = start;
  for await (const chunk of chunks) {
    if (chunk.length > left) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

function assertAlike({ images, shape }: OpenPair, first: OpenPair): void {
  if (describe(shape) === describe(first.shape)) return;
  const problem = `has images of ${describe(shape)}, those of ${first.images.header.name} are ${describe(first.shape)}`;
  throw new TrikdError('invalid', `${images.header.name} ${problem}`);
}

async function labelsOf(pairs: readonly OpenPair[]): Promise<Labels> {
  const parts: Labels[] = [];
  for (const { labels } of pairs) {
    const content = new Uint8Array(labels.header.length);
    await fill(content, 0, labels);
    parts.push(npyLabels(labels.header, content));
  }
  const classes = classesIn(...parts);
  const all = makeLabels(
    parts.reduce((sum, { length }) => sum + length, 0),
    classes,
  );
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

async function imagesOf(pairs: readonly OpenPair[], shape: ImageShape, labels: Labels): Promise<LabelledImages> {
  const images = new Uint8Array(labels.length * imageBytes(shape));
  let at = 0;
  for (const pair of pairs) {
    await fill(images, at, pair.images);
    at += pair.images.header.length;
  }
  return { count: labels.length, images, labels };
}

/** The length of the content was compared with the header's, and the archive checks it. */
async function fill(target: Uint8Array, begin: number, { content }: OpenArray): Promise<void> {
  let at = begin;
  for await (const chunk of content()) {
    target.set(chunk, at);
    at += chunk.length;
  }
}

function describe({ height, width, channels }: ImageShape): string {
  return `${height}x${width}x${channels}`;
}
