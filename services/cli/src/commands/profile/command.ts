import { Command, InvalidArgumentError } from 'commander';
import { overrideOption } from '../../options/args.js';
import type { Override } from '../../options/load-spec.js';
import { type Format, outputOption, wholeNumber } from '../../options/options.js';

/** Options of `trikd profile`. */
export interface ProfileOptions {
  readonly file: string;
  readonly overrides: readonly Override[];
  /** Name of a stage; absent: the first of those with the most participants. */
  readonly stage?: string;
  /** Names; none: all of the stage. */
  readonly participants: readonly string[];
  /** That are traced, of each participant. */
  readonly steps: number;
  /** Whether the participants compute at the same time. */
  readonly together: boolean;
  /** Path of the trace. */
  readonly out?: string;
  readonly format: Format;
}

interface RawOptions extends Pick<ProfileOptions, 'stage' | 'steps' | 'together' | 'out'> {
  readonly set: readonly Override[];
  readonly seed?: number;
  readonly participant: readonly string[];
  readonly output: Format;
}

/** The trace of a ResNet-110 has 1 MB a step. */
const MOST_STEPS = 100;

const EXAMPLE = `
Example:
  $ trikd profile examples/tiny.yaml
  $ trikd profile examples/fashion-mnist.yaml --participant teacher --steps 10 --set engine.threads=1 --out teacher.json

Trains a few steps of each participant, one after the other, and shows where their time goes: by kind of op, and for each convolution with
GFLOP/s. The params are fresh, and the logits of other participants are zeros: neither changes the time of a step. Two untraced steps
come first. Replicas of a learner are profiled as one. With --together all participants compute at the same time on the same cores, as in \`trikd run\`.
The trace has every op on its thread: open it at ui.perfetto.dev.
Exit status: 0 done, 1 failed, 2 wrong command line.`;

/** `trikd profile` */
export function profileCommand(profile: (options: ProfileOptions) => Promise<void>): Command {
  return new Command('profile')
    .description('Shows where the time of a training step goes, op by op.')
    .argument('<file>', 'YAML file with the spec of the run')
    .addOption(overrideOption())
    .option('--seed <n>', 'override the seed', wholeNumber)
    .option('--stage <name>', 'stage of the run (default: the first of those with the most participants)')
    .option('--participant <name>', 'participant of the stage; repeatable (default: all)', collected, [])
    .option('--steps <n>', `steps of each participant, at most ${MOST_STEPS}`, steps, 5)
    .option('--together', 'let all participants compute at the same time', false)
    .option('--out <file>', 'path of the trace (default: <name of the run>-profile.json)')
    .addOption(outputOption())
    .addHelpText('after', EXAMPLE)
    .exitOverride()
    .action(async (file: string, { set, seed, participant: participants, output: format, ...others }: RawOptions) => {
      const overrides = seed === undefined ? set : [...set, { path: ['seed'], value: String(seed) }];
      await profile({ file, overrides, participants, format, ...others });
    });
}

const collected = (name: string, before: readonly string[]): readonly string[] => [...before, name];

function steps(text: string): number {
  const count = /^[1-9]\d{0,2}$/.test(text) ? Number(text) : Number.NaN;
  if (count <= MOST_STEPS) return count;
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${MOST_STEPS}.`);
}
