#!/usr/bin/env node
import { TrikdError } from '@trikd/core/errors';
import { environment } from '@trikd/platform/environment';
import { CommanderError } from 'commander';
import { commandLine, exitStatusOf } from './args.js';
import { checkpointActions } from './checkpoint/actions.js';
import { checkpointCommand } from './checkpoint/command.js';
import { run } from './run.js';

const rest = new AbortController();
const end = new AbortController();
const onSignal = () => {
  if (!rest.signal.aborted) return rest.abort();
  end.abort();
  process.exit(130);
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
// Whoever read the output has left, as `head` does or a terminal that is closed: the run rests until somebody asks again.
for (const output of [process.stdout, process.stderr]) output.on('error', () => rest.abort());

const program = commandLine(async (options) => {
  process.exitCode = await run(options, environment(), { rest: rest.signal, end: end.signal });
}).addCommand(checkpointCommand(checkpointActions(environment())));
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = exitStatusOf(error);
  else if (error instanceof TrikdError) {
    console.error(`trikd: ${error.message}`);
    process.exitCode = 1;
  } else throw error;
}
process.exit();
