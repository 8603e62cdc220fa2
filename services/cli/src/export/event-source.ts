import { type Command, Option } from 'commander';
import { serverOption, timeoutOption } from '../options.js';
import type { ServerChoice } from '../server/ask.js';

/** Where the events of a run are. */
export interface EventSource extends ServerChoice {
  readonly runId: string;
  /** Folder that has a folder for each run; absent: the server is asked. */
  readonly store?: string;
}

/** Options of commands that read events. */
export function sourceOptions(): readonly Option[] {
  const store = new Option('--store <dir>', 'folder that has a folder for each run, with its events.jsonl');
  return [store.default('runs'), serverOption(), timeoutOption(10)];
}

/** The folder, unless somebody names a server and no folder. */
export function sourceOf(runId: string, command: Command): EventSource {
  const { server, timeout, store } = command.opts<ServerChoice & { readonly store: string }>();
  const said = (name: string) => command.getOptionValueSource(name) !== 'default';
  const asksServer = said('server') && !said('store');
  return { runId, server, timeout, ...(!asksServer && { store }) };
}
