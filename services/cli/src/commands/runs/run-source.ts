import { TrikdError } from '@trikd/core/domain/errors';
import type { Command } from 'commander';
import { type StoreChoice, serverOption, storeOptions, timeoutOption } from '../../options/options.js';
import { openStoredRuns, type StoredRuns } from '../../run/run-places.js';
import { type Asking, type ServerChoice, serverChoiceOf, withServer } from '../../server/ask.js';
import { type Shell, say } from '../../terminal/shell.js';

/** Where runs are read: at an orchestrator, or in their stores. */
export interface RunSource extends ServerChoice {
  readonly from: StoreChoice;
  /** `either`: the orchestrator, and the stores when it does not answer or does not have the run. */
  readonly place: 'store' | 'server' | 'either';
}

/** Adds the options that name a source. */
export function withSource(command: Command): Command {
  const [store, config] = storeOptions();
  return command.addOption(store).addOption(config).addOption(serverOption()).addOption(timeoutOption(10));
}

/** An option decides; TRIKD_SERVER and the default server, which may be meant for other commands, only come first. */
export function runSourceOf(command: Command): RunSource {
  const { store, config, ...choice } = command.opts<ServerChoice & StoreChoice>();
  const from = { ...(store !== undefined && { store }), ...(config !== undefined && { config }) };
  const common = { ...serverChoiceOf(choice), from };
  if (store === undefined && config === undefined) {
    return { ...common, place: command.getOptionValueSource('server') === 'cli' ? 'server' : 'either' };
  }
  if (command.getOptionValueSource('server') === 'cli') {
    command.error("error: options '--store' and '--config' cannot be used with '--server'", { exitCode: 2 });
  }
  return { ...common, place: 'store' };
}

/** The same question for both places. */
export interface RunQuestion<T> {
  atServer(asking: Asking): Promise<T>;
  inStore(runs: StoredRuns): Promise<T>;
}

/**
 * Asks the source. With `either`, what the orchestrator does not have is read in the stores, and a line says so.
 * @throws TrikdError of the orchestrator when the stores do not have it either
 */
export async function askSource<T>(
  { place, from, ...choice }: RunSource,
  shell: Shell,
  { atServer, inStore }: RunQuestion<T>,
): Promise<T> {
  if (place === 'store') return inStore(await openStoredRuns(from, shell.env));
  try {
    return await withServer(choice, shell, atServer);
  } catch (error) {
    if (place === 'server' || !isMissing(error)) throw error;
    const runs = await openStoredRuns(from, shell.env);
    if ((await runs.names()).length === 0) throw error;
    const found = await inStore(runs).catch((own: unknown) => {
      throw own instanceof TrikdError && own.kind === 'not-found' ? error : own;
    });
    const why = error.kind === 'not-found' ? 'does not have it' : 'does not answer';
    say(shell, `reading ${runs.name}: the orchestrator at ${choice.server} ${why}`);
    return found;
  }
}

function isMissing(error: unknown): error is TrikdError {
  return error instanceof TrikdError && (error.kind === 'unavailable' || error.kind === 'not-found');
}
