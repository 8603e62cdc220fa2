#!/usr/bin/env node
import '@trikd/process/bundled-packages';
import { environment } from '@trikd/process/environment';

const { runProgram } = await import('./program.js');

const rest = new AbortController();
const end = new AbortController();
const onSignal = () => {
  if (!rest.signal.aborted) return rest.abort();
  end.abort();
  process.exit(130);
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
const { stdin, stdout, stderr } = process;
// The reader is gone, as after `| head` or when the terminal is closed: a run pauses until the same command continues it.
for (const output of [stdout, stderr]) output.on('error', () => rest.abort());

/** Resolves when everything that was written has reached the reader, or the reader is gone. Exiting before would cut the output. */
function flushed(output: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => output.write('', () => resolve()));
}

const shell = { stdin, stdout, stderr, env: environment(), rest: rest.signal, end: end.signal };
const status = await runProgram(process.argv.slice(2), shell);
await Promise.all([flushed(stdout), flushed(stderr)]);
process.exit(status);
