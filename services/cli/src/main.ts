#!/usr/bin/env node
import { environment } from '@trikd/process/environment';
import { runProgram } from './program.js';

const rest = new AbortController();
const end = new AbortController();
const onSignal = () => {
  if (!rest.signal.aborted) return rest.abort();
  end.abort();
  process.exit(130);
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
const { stdin, stdout, stderr } = process;
// Whoever read the output has left, as `head` does or a terminal that is closed: the run rests until somebody asks again.
for (const output of [stdout, stderr]) output.on('error', () => rest.abort());

const shell = { stdin, stdout, stderr, env: environment(), rest: rest.signal, end: end.signal };
process.exit(await runProgram(process.argv.slice(2), shell));
