import { type Command, Option } from 'commander';
import { wholeNumber } from '../../options/options.js';
import { type EventFormat, FORMATS } from './event-files.js';
import { type EventSource, sourceOf, sourceOptions } from './event-source.js';

/** Options of `trikd runs export`. */
export interface ExportOptions {
  readonly from: EventSource;
  readonly formats: readonly EventFormat[];
  /** Folder for the files. */
  readonly out: string;
}

/** Options of `trikd runs trace`. */
export interface TraceOptions {
  readonly from: EventSource;
  readonly slowest: number;
  /** Path of the trace. */
  readonly out: string;
}

/** The actions of the subcommands. */
export interface ExportActions {
  export(options: ExportOptions): Promise<void>;
  trace(options: TraceOptions): Promise<void>;
}

const EXPORT_EXAMPLE = `
Example:
  $ trikd runs export tiny
  $ trikd runs export tiny --format tensorboard csv --out curves
  $ trikd runs export tiny --server orchestrator:50050

jsonl: all events, a line each. tensorboard: files for \`tensorboard --logdir DIR/tensorboard\`, with a TensorBoard run for each model of
each stage, such as generation-1/student or assistant-1/assistant-1. csv: the same values as a table. perfetto: the slowest steps, for https://ui.perfetto.dev and chrome://tracing.
A term of a loss is named task, or after the model whose logits it learns from: loss/task, loss/anchor, and loss/teacher of the student.
Exit status: 0 done, 1 failed, 2 wrong command line, 3 no such run, 4 no answer.`;

const TRACE_EXAMPLE = `
Example:
  $ trikd runs trace tiny --slowest 5
  $ trikd runs trace tiny --slowest 1 --out slow.json

The trace shows the work of each role during each step, for https://ui.perfetto.dev and chrome://tracing.
Exit status: 0 done, 1 failed or no step was slow, 2 wrong command line, 3 no such run, 4 no answer.`;

/** `trikd runs export` and `trikd runs trace`, added to `trikd runs`. */
export function addExportCommands(runs: Command, actions: ExportActions): void {
  sourced(runs, 'export', 'Writes the events of a run into files for other tools.')
    .addOption(new Option('--format <formats...>', 'formats to write').choices(FORMATS).default(FORMATS))
    .option('--out <dir>', 'folder for the files (default: <run>)')
    .addHelpText('after', EXPORT_EXAMPLE)
    .action(async (runId: string, _: unknown, command: Command) => {
      const { format, out = runId } = command.opts<{
        readonly format: readonly EventFormat[];
        readonly out?: string;
      }>();
      await actions.export({ from: sourceOf(runId, command), formats: format, out });
    });
  sourced(runs, 'trace', 'Writes the slowest steps of a run as a trace for Perfetto and Chrome.')
    .addOption(new Option('--slowest <n>', 'number of steps').argParser(wholeNumber).default(5))
    .option('--out <file>', 'path of the trace (default: <run>-trace.json)')
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
