import { Command, Option } from 'commander';
import { type Format, positiveWholeNumber, type StoreChoice, storeOptions } from '../../options/options.js';
import { type Choice, choiceOptions } from '../export/command.js';

/** Options of `trikd predict`. */
export interface PredictOptions extends Choice {
  readonly runId: string;
  /** Files, and folders that have some. */
  readonly images: readonly string[];
  readonly from: StoreChoice;
  /** Classes that are shown of each image. */
  readonly top: number;
  readonly output: Format | 'csv';
}

interface RawOptions extends StoreChoice, Choice {
  readonly top: number;
  readonly output: Format | 'csv';
}

const EXAMPLE = `
Example:
  $ trikd predict tiny digit.png
  $ trikd predict photos holiday/ --top 5 -o csv
  $ trikd predict tiny digit.png --participant teacher --stage 1 --params last

Asks a model of a run for its answers to PNG and JPEG files; of a folder all that are in it and in its subfolders. An image is read as those
of an image folder are: on a white ground, then scaled to the size of the run's images. Classes have their names where the data of the run
have them. A model of a verification task shows the cosine similarity to the first image, and -o json has the embeddings.
The default is the result of the run: the best params of the student of its best generation, or of the last stage of another method.
Exit status: 0 done, 1 failed, 2 wrong command line, 3 no such run, stage or participant, 4 the store did not answer.`;

/** `trikd predict` */
export function predictCommand(predict: (options: PredictOptions) => Promise<void>): Command {
  const [storeOption, configOption] = storeOptions();
  const command = new Command('predict')
    .description('Asks a trained model of a run for its answers to images.')
    .argument('<run>', 'name of the run')
    .argument('<images...>', 'PNG and JPEG files, and folders of them');
  for (const option of choiceOptions()) command.addOption(option);
  return command
    .option('--top <n>', 'classes that are shown of each image', positiveWholeNumber, 3)
    .addOption(storeOption)
    .addOption(configOption)
    .addOption(
      new Option('-o, --output <format>', 'format of the result')
        .choices(['table', 'json', 'yaml', 'csv'])
        .default('table'),
    )
    .addHelpText('after', EXAMPLE)
    .exitOverride()
    .action(async (runId: string, images: readonly string[], { store, config, ...others }: RawOptions) => {
      const from = { ...(store !== undefined && { store }), ...(config !== undefined && { config }) };
      await predict({ runId, images, from, ...others });
    });
}
