import type { PlacementRequest } from '@trikd/protocol/gen/node/trikd/v1/run';
import { type Command, Option } from 'commander';
import { priority, serverAddress } from './options.js';

/** What a run that is created at an orchestrator asks of its placement, and who owns it. */
export interface Placing {
  readonly placement: PlacementRequest;
  /** Empty: the only one of the caller, or none. */
  readonly team: string;
}

/** The options as they are written. */
export interface PlacingOptions {
  /** -100..100. */
  readonly priority?: number;
  /** Kind of trio; absent: the default one of the orchestrator. */
  readonly class?: string;
  /** Queue of the cluster; absent: the default one of the orchestrator. */
  readonly queue?: string;
  /** That owns the run, for a person who is in several. */
  readonly team?: string;
}

/** `--server ADDRESS` of a command that does without one otherwise. */
export function remoteOption(description: string): Option {
  return new Option('--server <address>', description).argParser(serverAddress);
}

/** Adds the options of a command that creates runs with `--server`. */
export function withPlacing(command: Command): Command {
  return command
    .option('--priority <n>', 'with --server: from -100 to 100; higher ones get a trio first (default: 0)', priority)
    .option('--class <name>', 'with --server: kind of trio, such as gpu (default: the one of the orchestrator)')
    .option('--queue <name>', 'with --server: queue of the cluster (default: the one of the orchestrator)')
    .option('--team <team>', 'with --server: your team that owns the run (default: your only one, or none)');
}

export function placingOf({ priority: order = 0, class: kind = '', queue = '', team = '' }: PlacingOptions): Placing {
  return { placement: { class: kind, queue, priority: order }, team };
}

/** Ends a command that has an option of a placement but no `--server`. @param why names what runs are placed on without it */
export function assertPlaced(
  command: Command,
  { server, ...options }: PlacingOptions & { readonly server?: string },
  why: string,
): void {
  const ofPlacement = {
    '--priority <n>': options.priority,
    '--class <name>': options.class,
    '--queue <name>': options.queue,
  };
  for (const [option, value] of Object.entries(ofPlacement)) {
    if (server !== undefined || value === undefined) continue;
    command.error(`error: option '${option}' needs --server: ${why}`, { exitCode: 2 });
  }
}
