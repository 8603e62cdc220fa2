import { type Command, Option } from 'commander';
import { serverOption, timeoutOption } from '../../options/options.js';
import { type ServerChoice, serverChoiceOf } from '../../server/ask.js';

/** Where the events of a run are looked for. */
export interface EventSource extends ServerChoice {
  readonly runId: string;
  /** Folder with a folder for each run, when an option names one. */
  readonly store?: string;
  /** `either`: the server, and the folder when the server does not have the run. */
  readonly place: 'folder' | 'server' | 'either';
}

/** Options of commands that read events. */
export function sourceOptions(): readonly Option[] {
  const store = new Option('--store <dir>', 'folder with a folder for each run (default: "runs")');
  return [store, serverOption(), timeoutOption(10)];
}

/** An option decides; TRIKD_SERVER, which may be meant for other commands, only comes first. */
export function sourceOf(runId: string, command: Command): EventSource {
  const { store, ...choice } = command.opts<ServerChoice & { readonly store?: string }>();
  const common = { runId, ...serverChoiceOf(choice) };
  if (store !== undefined) return { ...common, store, place: 'folder' };
  const named = command.getOptionValueSource('server');
  return { ...common, place: named === 'cli' ? 'server' : named === 'env' ? 'either' : 'folder' };
}
