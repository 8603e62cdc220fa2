import type { Stack } from './stack.js';

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
