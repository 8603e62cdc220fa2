/**
 * Simulates seeds and prints what became of each as a line of JSON.
 *
 * usage: node --import ./sources.ts worker.ts --first=N --end=N [--stride=N] [--mutation=NAME] [--many] [--jobsets] [--slow] [--trace]
 */
import { syncBuiltinESMExports } from 'node:module';
import { setImmediate as turn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { simulate } from './simulate.js';

const { values } = parseArgs({
  options: {
    first: { type: 'string', default: '0' },
    end: { type: 'string', default: '1' },
    stride: { type: 'string', default: '1' },
    mutation: { type: 'string' },
    many: { type: 'boolean' },
    jobsets: { type: 'boolean' },
    slow: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
  },
});

// Time and chance are arguments: code that takes them from elsewhere could not be replayed.
forbid(globalThis, 'setTimeout', 'setInterval');
forbid(Date, 'now');
forbid(performance, 'now');
forbid(Math, 'random');
forbid(process.getBuiltinModule('node:crypto'), 'randomUUID', 'randomBytes', 'randomInt');
syncBuiltinESMExports();

// Node.js never frees a composite signal with a listener, nor the world of a process that was killed while it listened.
Object.defineProperty(AbortSignal, 'any', { value: eitherOf });

// Errors are thrown by the thousand, and their stacks are not read.
if (!values.trace) Error.stackTraceLimit = 0;

let unhandled: unknown;
process.on('unhandledRejection', (error) => {
  unhandled ??= error;
});

const scenes = {
  ...(values.many !== undefined && { many: values.many, jobsets: values.jobsets ?? false }),
};
const trace = values.trace ? (line: string) => process.stderr.write(`${line}\n`) : undefined;
for (let seed = Number(values.first); seed < Number(values.end); seed += Number(values.stride)) {
  const outcome = await simulate(seed, { ...scenes, slow: values.slow, ...(trace && { trace }) });
  await turn();
  const failure = unhandled === undefined ? {} : { failure: `an unhandled error: ${unhandled}` };
  unhandled = undefined;
  process.stdout.write(`${JSON.stringify({ ...outcome, ...failure })}\n`);
}
process.exit(0);

function eitherOf(signals: readonly AbortSignal[]): AbortSignal {
  const either = new AbortController();
  for (const signal of signals) {
    const abort = () => either.abort(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  }
  return either.signal;
}

function forbid<T extends object>(owner: T, ...names: (keyof T & string)[]): void {
  for (const name of names) {
    const value = () => {
      throw new Error(`${name} is not for the simulation`);
    };
    Object.defineProperty(owner, name, { value, configurable: true, writable: true });
  }
}
