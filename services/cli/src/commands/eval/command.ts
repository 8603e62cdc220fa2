import { Command, Option } from 'commander';
import { type Format, outputOption, type StoreChoice, storeOptions } from '../../options/options.js';

/** A split that a model is scored on. */
export type SplitName = 'train' | 'validation' | 'test';

/** Options of `trikd eval`. */
export interface EvalOptions {
  readonly runId: string;
  /** `result`, `anchor`, or a checkpoint as for `trikd checkpoint show`. */
  readonly wanted: string;
  readonly from: StoreChoice;
  /** Learners to evaluate, by name; empty: those of the stage. */
  readonly roles: readonly string[];
  readonly splits: readonly SplitName[];
  /** `best`: the params that validated best so far; `state`: those that training continues with. */
  readonly params: 'best' | 'state';
  /** Whether to tell where the models err. */
  readonly details: boolean;
  /** File for a page with all of it. */
  readonly html?: string;
  /** File for a picture of the images with the worst answers. */
  readonly sheet?: string;
  readonly output: Format;
}

interface RawOptions extends StoreChoice {
  readonly role?: readonly string[];
  readonly split: readonly SplitName[];
  readonly params: 'best' | 'state';
  readonly details: boolean;
  readonly html?: string;
  readonly sheet?: string;
  readonly output: Format;
}

const EXAMPLE = `
Example:
  $ trikd eval tiny
  $ trikd eval tiny 1/48 --role student --split test -o json
  $ trikd eval tiny anchor --config orchestrator.yaml
  $ trikd eval tiny --role student --split test --details
  $ trikd eval tiny --html tiny-eval.html --sheet worst.png

Evaluates on this machine with the engine that trains, and shows the scores that the run recorded for the same params. The default is the
result of the run: the best params of its best generation, or of the last stage of another method. With --role it is the newest result of
each learner.
With --details it tells where each model errs on each split. Of a classifier: precision, recall and F1 of each class, the confusion of the
classes, the share of right answers by confidence, and the worst answers. Of a model of identities: the similarities of pairs and the
hardest of them. The page of --html has all of it with plots, such as the reliability diagram or the ROC curve, and the images with the worst
answers. The picture of --sheet shows those of the first model on the last split: a row for each class, or pairs side by side.
Exit status: 0 done, 1 failed, 2 wrong command line, 3 no such run or checkpoint, 4 the store did not answer.`;

/** `trikd eval` */
export function evalCommand(evaluate: (options: EvalOptions) => Promise<void>): Command {
  const [storeOption, configOption] = storeOptions();
  return new Command('eval')
    .description('Evaluates models of a run on its data.')
    .argument('<run>', 'name of the run')
    .argument('[checkpoint]', 'result, anchor, latest, stage/step, stage/step-attempt, or a key', 'result')
    .option('--role <names...>', 'learners to evaluate, such as student (default: all of the stage)')
    .addOption(
      new Option('--split <splits...>', 'data to evaluate on')
        .choices(['train', 'validation', 'test'])
        .default(['validation', 'test']),
    )
    .addOption(
      new Option(
        '--params <which>',
        'params of a checkpoint: those that validated best, or those that training continues with',
      )
        .choices(['best', 'state'])
        .default('best'),
    )
    .option('--details', 'tell where the models err', false)
    .option('--html <file>', 'write a page with the details of each model, which needs nothing else')
    .option('--sheet <file>', 'write a picture of the images with the worst answers, a PNG file')
    .addOption(storeOption)
    .addOption(configOption)
    .addOption(outputOption())
    .addHelpText('after', EXAMPLE)
    .exitOverride()
    .action(async (runId: string, wanted: string, options: RawOptions) => {
      const { store, config, role: roles = [], split: splits, ...others } = options;
      const from = { ...(store !== undefined && { store }), ...(config !== undefined && { config }) };
      await evaluate({ runId, wanted, from, roles, splits, ...others });
    });
}
