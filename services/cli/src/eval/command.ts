import type { TrainedRole } from '@trikd/core/domain/role';
import { Command, Option } from 'commander';
import { type Format, outputOption } from '../options.js';
import { type StoreChoice, storeOptions } from '../store-choice.js';

/** A split that a model is scored on. */
export type SplitName = 'train' | 'validation' | 'test';

/** What `trikd eval` was asked. */
export interface EvalOptions {
  readonly runId: string;
  /** `result`, `anchor`, or a checkpoint as of `trikd checkpoint show`. */
  readonly wanted: string;
  readonly from: StoreChoice;
  readonly roles: readonly TrainedRole[];
  readonly splits: readonly SplitName[];
  /** `best`: those that validated best up to there; `state`: those that training goes on with. */
  readonly params: 'best' | 'state';
  readonly output: Format;
}

interface RawOptions extends StoreChoice {
  readonly role: readonly TrainedRole[];
  readonly split: readonly SplitName[];
  readonly params: 'best' | 'state';
  readonly output: Format;
}

const EXAMPLE = `
Example:
  $ trikd eval tiny
  $ trikd eval tiny 1/48 --role student --split test -o json
  $ trikd eval tiny anchor --config orchestrator.yaml

Computes on this machine, with the engine that trains: where the run has recorded a score of the same params, both are shown. Without a
checkpoint it is the result of the run: the best params of its best generation.
Exit status: 0 done, 1 failed, 2 wrong command line.`;

/** `trikd eval` */
export function evalCommand(evaluate: (options: EvalOptions) => Promise<void>): Command {
  const [storeOption, configOption] = storeOptions();
  return new Command('eval')
    .description('Scores models of a run on its data.')
    .argument('<run>', 'name of the run')
    .argument('[checkpoint]', 'result, anchor, latest, generation/step, generation/step-attempt, or a key', 'result')
    .addOption(
      new Option('--role <roles...>', 'whose models').choices(['student', 'teacher']).default(['student', 'teacher']),
    )
    .addOption(
      new Option('--split <splits...>', 'on which data')
        .choices(['train', 'validation', 'test'])
        .default(['validation', 'test']),
    )
    .addOption(
      new Option('--params <which>', 'of a checkpoint: those that validated best, or those that training goes on with')
        .choices(['best', 'state'])
        .default('best'),
    )
    .addOption(storeOption)
    .addOption(configOption)
    .addOption(outputOption())
    .addHelpText('after', EXAMPLE)
    .exitOverride()
    .action(async (runId: string, wanted: string, options: RawOptions) => {
      const { store, config, role: roles, split: splits, params, output } = options;
      const from = { ...(store !== undefined && { store }), ...(config !== undefined && { config }) };
      await evaluate({ runId, wanted, from, roles, splits, params, output });
    });
}
