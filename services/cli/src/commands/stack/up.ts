import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { aborted } from '@trikd/core/async/within';
import { placeInStore } from '../../run/run-store.js';
import { assertFree } from '../../run/services.js';
import { print, type Shell, say } from '../../terminal/shell.js';
import { credentialsFor, userIn } from '../certs/tls-settings.js';
import type { UpOptions } from './command.js';
import { stackFolder, takeStackFolder } from './folder.js';
import { type Stack, startStack } from './stack.js';

/** `trikd up`: ends after Ctrl-C. @throws TrikdError for everything that a user can correct */
export async function up(options: UpOptions, shell: Shell): Promise<void> {
  const { rest } = shell;
  const folder = stackFolder(options.store, options.config, shell.env);
  await assertFree(options.listen);
  const lock = await takeStackFolder(folder);
  try {
    const { store, logs, events } = folder;
    const stack = await startStack({ ...options, store, logs, events }, shell, (line) => say(shell, line));
    const { trios, orchestrators, dashboard } = stack;
    const facts = { trios, orchestrators, dashboard, store: placeInStore(store), logs, ...credentialsIn(options.tls) };
    print(shell, options.output === 'json' ? stackJson(facts) : stackText(facts, availableParallelism()));
    await aborted(rest);
    say(shell, 'pausing all runs at their next common step; Ctrl-C again stops at once');
    await stack.stop();
  } finally {
    lock.release();
  }
}

function credentialsIn(tls: string | undefined): { readonly credentials?: string } {
  return tls === undefined ? {} : { credentials: credentialsFor(tls, userIn(tls) ?? join('users', 'NAME')) };
}

/** What people need to know of a stack. */
export interface StackFacts extends Pick<Stack, 'trios' | 'orchestrators'> {
  readonly dashboard: string | undefined;
  readonly store: string;
  readonly logs: string;
  /** Options with which a command shows a certificate that the stack accepts; absent: plain text. */
  readonly credentials?: string;
}

/** Models that a trio trains at once. */
const TRAINED = 2;

/** A stack that has started, for people: its addresses, and what to type next. @param processors of this machine */
export function stackText(stack: StackFacts, processors: number): string {
  const { trios, orchestrators, dashboard, store, logs, credentials } = stack;
  const [first = ''] = orchestrators;
  const how = credentials === undefined ? '' : ` ${credentials}`;
  const facts: readonly (readonly [string, string])[] = [
    ['orchestrator', orchestrators.join(', ')],
    ...(dashboard === undefined ? [] : [['dashboard', dashboard] as const]),
    ...trios.map(
      ({ name, ...at }) => [name, `anchor ${at.anchor}, teacher ${at.teacher}, student ${at.student}`] as const,
    ),
    ['store', store],
    ['logs', logs],
    ...crowded(trios.length, processors),
    ['next', `trikd run examples/tiny.yaml --server ${first}${how} --no-wait`],
  ];
  return facts.map(([name, text]) => `${name.padEnd(12)} ${text}`).join('\n');
}

/** More models than processors: the runs take turns on them. */
function crowded(trios: number, processors: number): readonly (readonly [string, string])[] {
  const models = TRAINED * trios;
  if (models <= processors) return [];
  return [
    [
      'note',
      `${models} models train at once on ${count(processors, 'processor')}: each run is slower, with the same result`,
    ],
  ];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

/** The same, for programs: one line of JSON. */
export function stackJson(facts: StackFacts): string {
  return JSON.stringify({ event: 'listening', ...facts });
}
