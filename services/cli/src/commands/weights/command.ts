import { Command, InvalidArgumentError } from 'commander';
import { type Format, outputOption } from '../../options/options.js';

/** Options of `trikd weights inspect`. */
export interface InspectWeightsOptions {
  readonly path: string;
  /** The network as YAML; absent: what the names tell. */
  readonly model?: string;
  /** Of images. */
  readonly side: number;
  readonly output: Format;
}

interface RawOptions {
  readonly model?: string;
  readonly size: number;
  readonly output: Format;
}

const EXAMPLE = `
Example:
  $ trikd weights inspect resnet18.safetensors
  $ trikd weights inspect teacher/model.json --model shufflenet-v2 -o json

Prints the digest, the tensors, and the network whose params they are: by the names of torchvision and timm, or the one that --model names.
Nothing in the file is executed.
Exit status: 0 done, 1 the file cannot be used, or does not fit the model, 2 wrong command line.`;

/** `trikd weights` */
export function weightsCommand(inspect: (options: InspectWeightsOptions) => Promise<void>): Command {
  const weights = new Command('weights')
    .description('Looks at files with the params of models.')
    .addHelpText('after', '\nExample:\n  $ trikd weights inspect resnet18.safetensors')
    .exitOverride();
  weights
    .command('inspect')
    .description('Shows what a weights file holds, and which network it fits.')
    .argument('<path>', 'safetensors file, or model.json of TensorFlow.js')
    .option('--model <yaml>', 'network to compare with, as `model` in a spec')
    .option('--size <pixels>', 'side of the images, where the params of the network depend on it', side, 32)
    .addOption(outputOption())
    .addHelpText('after', EXAMPLE)
    .exitOverride()
    .action(async (path: string, { model, size, output }: RawOptions) => {
      await inspect({ path, side: size, output, ...(model !== undefined && { model }) });
    });
  return weights;
}

/** The longest side of images that a model is built for here. */
const LONGEST_SIDE = 1024;

function side(text: string): number {
  const pixels = /^[1-9]\d{0,3}$/.test(text) ? Number(text) : Number.NaN;
  if (pixels <= LONGEST_SIDE) return pixels;
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${LONGEST_SIDE}.`);
}
