import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type ErrorKind, TrikdError } from '@trikd/core/domain/errors';
import { isChatter } from '@trikd/process/last-error';
import { type Shell, say } from '../shell.js';
import type { EvalOptions } from './command.js';
import type { EvalProgress } from './evaluate.js';

/** What the process of an evaluation sends. */
export type EvalMessage =
  | { readonly event: 'progress'; readonly what: string; readonly done: number; readonly all: number }
  | { readonly event: 'result'; readonly text: string }
  | { readonly event: 'error'; readonly kind: ErrorKind; readonly message: string };

const PROCESS = fileURLToPath(new URL('process.js', import.meta.url));

/**
 * Evaluates in a child process and filters its standard error: TensorFlow writes lines there without an error, and has no option against
 * them that leaves the numbers as they are.
 * @throws TrikdError of the kind that the evaluation failed with
 */
export async function runEvaluation(options: EvalOptions, shell: Shell, progress: EvalProgress): Promise<string> {
  const child = fork(PROCESS, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const abort = () => child.kill('SIGKILL');
  shell.rest.addEventListener('abort', abort, { once: true });
  try {
    child.send(options);
    const [outcome, words] = await Promise.all([outcomeOf(child, progress), wordsOf(child)]);
    shell.rest.throwIfAborted();
    for (const line of words) say(shell, line);
    if (outcome?.event === 'result') return outcome.text;
    if (outcome) throw new TrikdError(outcome.kind, outcome.message);
    throw new TrikdError('corrupt', `the evaluation ended (${child.signalCode ?? `status ${child.exitCode}`})`);
  } finally {
    shell.rest.removeEventListener('abort', abort);
  }
}

/** The last message; undefined when the process ended before it. */
async function outcomeOf(
  child: ChildProcess,
  progress: EvalProgress,
): Promise<Exclude<EvalMessage, { readonly event: 'progress' }> | undefined> {
  let outcome: Exclude<EvalMessage, { readonly event: 'progress' }> | undefined;
  child.on('message', (message: EvalMessage) => {
    if (message.event === 'progress') progress(message.what, message.done, message.all);
    else outcome = message;
  });
  await once(child, 'close');
  return outcome;
}

/** Lines of its standard error, without what TensorFlow always writes. */
async function wordsOf({ stderr }: ChildProcess): Promise<readonly string[]> {
  const words: string[] = [];
  if (stderr) for await (const line of createInterface({ input: stderr })) if (!isChatter(line)) words.push(line);
  return words.filter((line) => line.trim() !== '');
}
