import { Command } from 'commander';
import { type Format, outputOption, type StoreChoice, storeOptions } from '../../options/options.js';

/** Options of `trikd checkpoint list`. */
export interface ListOptions {
  readonly runId: string;
  readonly from: StoreChoice;
  readonly output: Format;
}

/** Options of `trikd checkpoint show`. */
export interface ShowOptions extends ListOptions {
  /** `latest`, `stage/step`, `stage/step-attempt`, or the key of a manifest. */
  readonly wanted: string;
  /** Learners whose tensors are shown, by name; empty: all. */
  readonly roles: readonly string[];
}

/** Options of `trikd checkpoint verify`. */
export interface VerifyOptions extends ListOptions {
  /** As for `show`. Empty: everything that the run needs. */
  readonly wanted: readonly string[];
}

/** Options of `trikd checkpoint gc`. */
export interface GcOptions extends ListOptions {
  readonly dryRun: boolean;
}

/** The actions of the subcommands. */
export interface CheckpointActions {
  gc(options: GcOptions): Promise<void>;
  list(options: ListOptions): Promise<void>;
  show(options: ShowOptions): Promise<void>;
  verify(options: VerifyOptions): Promise<void>;
}

const LIST_EXAMPLE = `
Example:
  $ trikd checkpoint list tiny
  $ trikd checkpoint list tiny --config orchestrator.yaml -o json

A live checkpoint is named by the run's state: the run can continue from it, or a stage ended with it. Other checkpoints are orphans
of lost attempts; they are removed when the run continues.
Exit status: 0 done, 1 failed, 2 wrong command line, 3 no such run, 4 the store did not answer.`;

const SHOW_EXAMPLE = `
Example:
  $ trikd checkpoint show tiny
  $ trikd checkpoint show tiny 1/480 --role student
  $ trikd checkpoint show tiny 1/480-2 -o yaml

Exit status: 0 all of it could be read, 1 a part is damaged or gone, 2 wrong command line, 3 no such run or checkpoint, 4 the store did
not answer.`;

const VERIFY_EXAMPLE = `
Example:
  $ trikd checkpoint verify tiny
  $ trikd checkpoint verify tiny 1/480 latest

Without checkpoints the command reads everything that the run needs: live checkpoints, results and the anchor. It compares the digest and
the structure of each blob, looks for numbers that are not finite, and compares names, shapes and types with the models of the spec.
Exit status: 0 no problem, 1 problems, 2 wrong command line, 3 no such run or checkpoint, 4 the store did not answer.`;

const GC_EXAMPLE = `
Example:
  $ trikd checkpoint gc tiny --dry-run
  $ trikd checkpoint gc tiny

An orchestrator removes what its run no longer needs. This command is for a run that was killed and not continued: it removes uploads
without a manifest and checkpoints that the state does not name. It never removes what the run needs.
Exit status: 0 done, 1 failed, 2 wrong command line, 3 no such run or an orchestrator drives it, 4 the store did not answer.`;

interface RawOptions extends StoreChoice {
  readonly output: Format;
}

/** `trikd checkpoint`. */
export function checkpointCommand(actions: CheckpointActions): Command {
  const command = new Command('checkpoint')
    .description('Lists, shows and verifies checkpoints, and removes leftovers.')
    .addHelpText('after', '\nExample:\n  $ trikd checkpoint list tiny')
    .exitOverride()
    .showHelpAfterError('(see trikd checkpoint --help)');
  reading(command, 'list', 'Lists the checkpoints of a run, newest first.', LIST_EXAMPLE).action(
    (runId: string, options: RawOptions) => actions.list(common(runId, options)),
  );
  reading(command, 'show', 'Shows a checkpoint and its tensors.', SHOW_EXAMPLE)
    .argument('[checkpoint]', 'stage/step, stage/step-attempt, the key of a manifest, or latest', 'latest')
    .option('--role <names...>', 'learners whose tensors to show (default: all)')
    .action((runId: string, wanted: string, options: RawOptions & { readonly role?: readonly string[] }) =>
      actions.show({ ...common(runId, options), wanted, roles: options.role ?? [] }),
    );
  reading(command, 'verify', 'Reads checkpoints as a run would, and lists all problems.', VERIFY_EXAMPLE)
    .argument('[checkpoints...]', 'as for `show` (default: everything that the run needs)')
    .action((runId: string, wanted: readonly string[], options: RawOptions) =>
      actions.verify({ ...common(runId, options), wanted }),
    );
  reading(command, 'gc', 'Removes leftovers of lost attempts.', GC_EXAMPLE)
    .option('--dry-run', 'list what would be removed, and remove nothing', false)
    .action((runId: string, options: RawOptions & { readonly dryRun: boolean }) =>
      actions.gc({ ...common(runId, options), dryRun: options.dryRun }),
    );
  return command;
}

/** A command that reads the store of a run. */
function reading(parent: Command, name: string, description: string, example: string): Command {
  const [store, config] = storeOptions();
  return parent
    .command(name)
    .description(description)
    .argument('<run>', 'name of the run')
    .addOption(store)
    .addOption(config)
    .addOption(outputOption())
    .addHelpText('after', example)
    .exitOverride();
}

function common(runId: string, { store, config, output }: RawOptions): ListOptions {
  return { runId, from: { ...(store !== undefined && { store }), ...(config !== undefined && { config }) }, output };
}
