import { type Command, Option } from 'commander';
import { wholeNumber } from '../options.js';
import { type EventFormat, FORMATS } from './event-files.js';
import { type EventSource, sourceOf, sourceOptions } from './event-source.js';

/** What `trikd runs export` was asked. */
export interface ExportOptions {
  readonly from: EventSource;
  readonly formats: readonly EventFormat[];
  /** Folder. */
  readonly out: string;
}

/** What `trikd runs trace` was asked. */
export interface TraceOptions {
  readonly from: EventSource;
  readonly slowest: number;
  /** File. */
  readonly out: string;
}

/** What the commands do. */
export interface ExportActions {
  export(options: ExportOptions): Promise<void>;
  trace(options: TraceOptions): Promise<void>;
}

const EXPORT_EXAMPLE = `
Example:
  $ trikd runs export tiny
  $ trikd runs export tiny --format tensorboard csv --out curves
  $ trikd runs export tiny --server orchestrator:50050

jsonl: all events, a line each. tensorboard: files for \`tensorboard --logdir DIR/tensorboard\`, a run of it for each role of each
generation. csv: the same values as a table. perfetto: the slowest steps, for https://ui.perfetto.dev and chrome://tracing.
Exit status: 0 done, 1 failed, 2 wrong command line, 3 there is no such run, 4 nobody answered.`;

const TRACE_EXAMPLE = `
Example:
  $ trikd runs trace tiny --slowest 5
  $ trikd runs trace tiny --slowest 1 --out slow.json

Of each step it has what each role did when, for https://ui.perfetto.dev and chrome://tracing.
Exit status: 0 done, 1 failed or no step was slow, 2 wrong command line, 3 there is no such run, 4 nobody answered.`;

/** `trikd runs export` and `trikd runs trace`, added to `trikd runs`. */
export function addExportCommands(runs: Command, actions: ExportActions): void {
  sourced(runs, 'export', 'Writes what happened in a run into files, for those who have no dashboard.')
    .addOption(new Option('--format <formats...>', 'what to write; default: all').choices(FORMATS).default(FORMATS))
    .option('--out <dir>', 'folder for the files; default: a folder of the name of the run')
    .addHelpText('after', EXPORT_EXAMPLE)
    .action(async (runId: string, _: unknown, command: Command) => {
      const { format, out = runId } = command.opts<{
        readonly format: readonly EventFormat[];
        readonly out?: string;
      }>();
      await actions.export({ from: sourceOf(runId, command), formats: format, out });
    });
  sourced(runs, 'trace', 'Writes the slowest steps of a run as a trace of Perfetto and Chrome.')
    .addOption(new Option('--slowest <n>', 'how many steps').argParser(wholeNumber).default(5))
    .option('--out <file>', 'file for the trace; default: <run>-trace.json')
    .addHelpText('after', TRACE_EXAMPLE)
    .action(async (runId: string, _: unknown, command: Command) => {
      const { slowest, out = `${runId}-trace.json` } = command.opts<{
        readonly slowest: number;
        readonly out?: string;
      }>();
      await actions.trace({ from: sourceOf(runId, command), slowest, out });
    });
}

function sourced(runs: Command, name: string, description: string): Command {
  const command = runs.command(name).description(description).argument('<run>', 'name of the run').exitOverride();
  for (const option of sourceOptions()) command.addOption(option);
  return command;
}
