import { Command } from 'commander';
import { type Format, outputOption } from '../options.js';
import { type StoreChoice, storeOptions } from '../store-choice.js';

/** What `trikd checkpoint list` was asked. */
export interface ListOptions {
  readonly runId: string;
  readonly from: StoreChoice;
  readonly output: Format;
}

/** What `trikd checkpoint show` was asked. */
export interface ShowOptions extends ListOptions {
  /** `latest`, `generation/step`, `generation/step-attempt`, or the key of a manifest. */
  readonly wanted: string;
}

/** What `trikd checkpoint verify` was asked. */
export interface VerifyOptions extends ListOptions {
  /** As of `show`. None: everything that the run needs. */
  readonly wanted: readonly string[];
}

/** What `trikd checkpoint gc` was asked. */
export interface GcOptions extends ListOptions {
  readonly dryRun: boolean;
}

/** What the commands do. */
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

A checkpoint is live when the run's state names it: the run can go on from it, or a generation ended with it. What the state does
not name is an orphan, written by an attempt that was lost; it goes by itself when the run goes on.`;

const SHOW_EXAMPLE = `
Example:
  $ trikd checkpoint show tiny
  $ trikd checkpoint show tiny 1/480
  $ trikd checkpoint show tiny 1/480-2 -o yaml

Exit status: 0 when it could be read, 1 when something of it is damaged or gone.`;

const VERIFY_EXAMPLE = `
Example:
  $ trikd checkpoint verify tiny
  $ trikd checkpoint verify tiny 1/480 latest

Without checkpoints it reads everything that the run needs: all that is live, the results and the anchor. Of each blob it compares
digest and structure, looks for numbers that are not finite, and compares names, shapes and types with the models of the spec.
Exit status: 0 when all is well, 1 when something is not, 2 for a wrong command line.`;

const GC_EXAMPLE = `
Example:
  $ trikd checkpoint gc tiny --dry-run
  $ trikd checkpoint gc tiny

An orchestrator that drives a run removes by itself what the run has let go of. This is for what is left where a run was killed and not
continued: uploads without a manifest, and checkpoints that the state does not name. What the run needs is never touched.
Exit status: 0 when done, 1 when an orchestrator drives the run.`;

interface RawOptions extends StoreChoice {
  readonly output: Format;
}

/** `trikd checkpoint`. */
export function checkpointCommand(actions: CheckpointActions): Command {
  const command = new Command('checkpoint')
    .description('Lists, shows and verifies the checkpoints of a run, and removes leftovers.')
    .addHelpText('after', '\nExample:\n  $ trikd checkpoint list tiny')
    .exitOverride()
    .showHelpAfterError('(trikd checkpoint --help says more)');
  reading(command, 'list', 'Lists all checkpoints of a run, newest first.', LIST_EXAMPLE).action(
    (runId: string, options: RawOptions) => actions.list(common(runId, options)),
  );
  reading(command, 'show', 'Shows what a checkpoint says and holds.', SHOW_EXAMPLE)
    .argument('[checkpoint]', 'generation/step, generation/step-attempt, the key of a manifest, or latest', 'latest')
    .action((runId: string, wanted: string, options: RawOptions) =>
      actions.show({ ...common(runId, options), wanted }),
    );
  reading(command, 'verify', 'Reads checkpoints as a run would, and names everything that is wrong.', VERIFY_EXAMPLE)
    .argument('[checkpoints...]', 'as of `show`; none: everything that the run needs')
    .action((runId: string, wanted: readonly string[], options: RawOptions) =>
      actions.verify({ ...common(runId, options), wanted }),
    );
  reading(command, 'gc', 'Removes what attempts that are over have left behind.', GC_EXAMPLE)
    .option('--dry-run', 'say what would be removed, and remove nothing', false)
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
