import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { writtenSpec } from '@trikd/testing/specs/spec-for';

/** Something that an attacker writes. */
export interface HostileInput {
  readonly what: string;
  /** A spec as JSON, the path of a file of YAML, or the path of a folder of data. */
  readonly kind: 'request' | 'file' | 'folder' | 'ballast';
  readonly input: string;
}

/** Input with a pattern of the sentence that refuses it. */
export type Refused = HostileInput & { readonly sentence: string };

/** What became of it. */
export interface Refusal {
  readonly what: string;
  /** Empty when it was accepted. */
  readonly message: string;
  readonly milliseconds: number;
  readonly mebibytes: number;
}

const MiB = 1024 ** 2;
const written = writtenSpec('bare');
const cnn = (channels: number[], hidden: number[] = []) => ({
  ...written.student,
  model: { kind: 'plain-cnn', channels, hidden },
});
const resnet = (depth: number, width: number) => ({ ...written.student, model: { kind: 'resnet', depth, width } });
const network = (model: object) => ({ ...written.student, model });
const synthetic = (size: object) => ({ batchSize: 1, data: { kind: 'synthetic', ...size } });

/** Changes of a spec, and what they make too large. */
const SPECS: Readonly<Record<string, object>> = {
  'a layer of a million channels': { student: cnn([1e6]) },
  'the widest layers that a spec can name': { student: cnn(Array(1202).fill(65_536)) },
  'dense layers of 30,000 units': { teacher: cnn([4], [3e4, 3e4]) },
  'a residual network of a billion layers': { teacher: resnet(6e8 + 2, 16) },
  'the deepest and widest residual network': { teacher: resnet(1202, 65_536) },
  'the deepest and widest wide residual network': { teacher: network({ kind: 'wrn', depth: 1198, widen: 1024 }) },
  'the deepest and widest transformer': {
    teacher: network({ kind: 'vit', patch: 1, width: 8192, depth: 300, heads: 1 }),
  },
  'a billion classes': synthetic({ classes: 1e9 }),
  'the most classes that a spec can name': synthetic({ classes: 65_536 }),
  'ten million images': synthetic({ train: 1e7 }),
  'images of 1000x1000': synthetic({ height: 1000, width: 1000, train: 3000 }),
  'the largest images that a spec can name': synthetic({ height: 65_536, width: 65_536, channels: 65_536 }),
  'prototypes of many classes': synthetic({
    height: 1000,
    width: 1000,
    classes: 5000,
    train: 1,
    validation: 1,
    test: 1,
  }),
  '1,024 threads': { engine: { threads: 1024 } },
  'four billion epochs': { epochs: 4e9 },
  'more epochs than a position counts': { epochs: 1e300 },
  'the largest batch': { batchSize: 4e9, data: { kind: 'idx' } },
  'a window of large frames': {
    ...synthetic({ classes: 10_000, train: 400 }),
    batchSize: 400,
    exchange: { window: 64 },
  },
  'a timeout of 30 days': { exchange: { stepTimeout: 2_592_000 } },
  'a timeout that overflows a timer': { exchange: { stepTimeout: 5e6 } },
  'a checkpoint every nanosecond': { checkpoint: { everySeconds: 1e-9 } },
  'a negative duration': { checkpoint: { everySeconds: -1 } },
  'more stages than are stored': { curriculum: { generations: 501 } },
  'a long name': { name: 'x'.repeat(60_000) },
  'a long path': { data: { kind: 'idx', folder: `/${'x'.repeat(60_000)}` } },
  'a path with control characters': { data: { kind: 'idx', folder: '/data\u001b[2J' } },
  'a name that leaves its folder': { data: { kind: 'idx', name: '../../etc' } },
  '1,500 terms': { student: { ...written.student, objective: Array(1500).fill({ kind: 'task' }) } },
  'unknown settings': Object.fromEntries(Array.from({ length: 4000 }, (_, index) => [`k${index}`, index])),
};

/** What the sentence that refuses it says, as a pattern. */
const SENTENCES: Readonly<Record<string, string>> = {
  'a layer of a million channels': 'channels',
  'the widest layers that a spec can name': 'admission.params',
  'dense layers of 30,000 units': 'admission.params',
  'a residual network of a billion layers': 'teacher.model.depth',
  'the deepest and widest residual network': 'admission.params',
  'the deepest and widest wide residual network': 'admission.params',
  'the deepest and widest transformer': 'admission.params',
  'a billion classes': 'data.classes',
  'the most classes that a spec can name': 'admission.classes',
  'ten million images': 'admission.datasetImages',
  'images of 1000x1000': 'admission.datasetBytes',
  'the largest images that a spec can name': 'admission.imageBytes',
  'prototypes of many classes': 'admission.datasetBytes',
  '1,024 threads': 'admission.threads',
  'four billion epochs': 'admission.steps',
  'more epochs than a position counts': 'epochs',
  'the largest batch': 'admission.batchSize',
  'a window of large frames': 'admission.windowBytes',
  'a timeout of 30 days': 'admission.stepTimeoutSeconds',
  'a timeout that overflows a timer': 'exchange.stepTimeout',
  'a checkpoint every nanosecond': 'checkpoint.everySeconds',
  'a negative duration': 'checkpoint.everySeconds',
  'more stages than are stored': 'curriculum.generations',
  'a long name': 'name',
  'a long path': 'data.folder',
  'a path with control characters': 'data.folder',
  'a name that leaves its folder': 'data.name',
  '1,500 terms': 'student.objective',
  'unknown settings': '(no setting k0|words and marks)',
  'a text of 1 MiB': 'more than 65536',
  'a text of 1 MiB of numbers': 'more than 65536',
  '30,000 nested lists': '(nested|words and marks)',
  '10,000 nested sections': '(nested|words and marks)',
  'thirty thousand numbers': '(no setting x|words and marks)',
  'a key of every object': 'missing: expected text',
  'control characters': '(not JSON|expected a section)',
  'a pipe': 'is a pipe',
  'a link to a device': 'is a symbolic link',
  'a link to a secret': 'is a symbolic link',
  'a folder': 'is a folder',
  'zeros in gzip': 'expected an IDX file',
  'a bomb behind a small header': 'found more',
  'a bomb with its own header': 'less than a 100th',
  'a bomb above a limit': 'less than a 100th',
  'an oversized header': 'found 28',
  'an oversized header in gzip': 'less than a 100th',
  'a header of 255 dimensions': 'found 255',
  'a cut file': 'found 21',
  'an empty file': 'expected an IDX file',
  'a cut gzip file': 'unexpected end of file',
  'a large file of holes': 'expected an IDX file',
};

const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);

/** Texts that are no spec. */
const TEXTS: Readonly<Record<string, string>> = {
  'a text of 1 MiB': `${JSON.stringify(written)}${' '.repeat(MiB)}`,
  'a text of 1 MiB of numbers': `[${Array(MiB / 2).fill(1)}]`,
  '30,000 nested lists': nested(30_000, '[', ']'),
  '10,000 nested sections': nested(10_000, '{"a":', '}').replace(':}', ':1}'),
  'thirty thousand numbers': `{"x":[${Array(30_000).fill(1)}]}`,
  'a key of every object': '{"__proto__":{"name":"x"},"constructor":1}',
  'control characters': '\u0000\u001b[2J\u0007'.repeat(1000),
};

/** All hostile specs, as requests and as files in `folder`. */
export function hostileSpecs(folder: string): readonly Refused[] {
  const changed = Object.entries(SPECS).map(([what, changes]) => [what, JSON.stringify({ ...written, ...changes })]);
  return [...changed, ...Object.entries(TEXTS)].flatMap(([what = '', text = ''], index): Refused[] => {
    const sentence = sentenceOf(what);
    const path = join(folder, `${index}.yaml`);
    writeFileSync(path, text);
    return [
      { what, kind: 'request', input: text, sentence },
      { what: `${what}, in a file`, kind: 'file', input: path, sentence },
    ];
  });
}

function idx(shape: readonly number[], bytes = 0): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length + bytes);
  header.writeUInt32BE(0x0800 | shape.length);
  for (const [axis, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * axis);
  return header;
}

/** Zeros of 1.5 GB in 1.5 MB, after a start. */
function bomb(start: Buffer): Buffer {
  return Buffer.concat([gzipSync(start), ...Array(30).fill(gzipSync(Buffer.alloc(50_000_000)))]);
}

/** What takes the place of the training images. */
const IMAGES: Readonly<Record<string, (path: string) => void>> = {
  'a pipe': (path) => execFileSync('mkfifo', [path]),
  'a link to a device': (path) => symlinkSync('/dev/zero', path),
  'a link to a secret': (path) => symlinkSync('/etc/passwd', path),
  'a folder': (path) => mkdirSync(path),
  'zeros in gzip': (path) => writeFileSync(`${path}.gz`, bomb(Buffer.alloc(16))),
  'a bomb behind a small header': (path) => writeFileSync(`${path}.gz`, bomb(idx([6, 1, 2], 12))),
  'a bomb with its own header': (path) => writeFileSync(`${path}.gz`, bomb(idx([6, 50_000, 5000]))),
  'a bomb above a limit': (path) => writeFileSync(`${path}.gz`, bomb(idx([6, 1e6, 1e6]))),
  'an oversized header': (path) => writeFileSync(path, idx([0xffff_ffff, 0xffff, 0xffff], 12)),
  'an oversized header in gzip': (path) => writeFileSync(`${path}.gz`, gzipSync(idx([0xffff_ffff, 28, 28], 12))),
  'a header of 255 dimensions': (path) => writeFileSync(path, Buffer.from('000008ff', 'hex')),
  'a cut file': (path) => writeFileSync(path, idx([6, 1, 2], 5)),
  'an empty file': (path) => writeFileSync(path, ''),
  'a cut gzip file': (path) => writeFileSync(`${path}.gz`, gzipSync(idx([6, 1, 2], 12)).subarray(0, -9)),
  'a large file of holes': (path) => execFileSync('truncate', ['--size', '20G', path]),
};

/** All hostile folders of data, made in `folder`. */
export function hostileFolders(folder: string): readonly Refused[] {
  return Object.entries(IMAGES).map(([what, put], index) => {
    const own = join(folder, `data-${index}`);
    mkdirSync(own);
    writeFileSync(join(own, 'train-labels-idx1-ubyte'), idx([6], 6));
    writeFileSync(join(own, 't10k-images-idx3-ubyte'), idx([3, 1, 2], 6));
    writeFileSync(join(own, 't10k-labels-idx1-ubyte'), idx([3], 3));
    put(join(own, 'train-images-idx3-ubyte'));
    return { what, kind: 'folder', input: own, sentence: sentenceOf(what) };
  });
}

function sentenceOf(what: string): string {
  const sentence = SENTENCES[what];
  if (sentence === undefined) throw new Error(`nothing is expected of ${what}`);
  return sentence;
}
