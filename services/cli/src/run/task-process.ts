import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type ErrorKind, TrikdError } from '@trikd/core/domain/errors';
import { computingEnvironment, environment } from '@trikd/process/environment';
import { isChatter } from '@trikd/process/service-process';
import { type Shell, say } from '../terminal/shell.js';

/** Work with TensorFlow, which a process of its own does. */
export interface Task<Options> {
  /** For an error: 'evaluation'. */
  readonly name: string;
  /** Program of the process, which calls `serveTask`. */
  readonly program: URL;
  readonly options: Options & object;
}

/**
 * Does a task in a child process and filters its standard error: TensorFlow writes lines there without an error, and has no option against
 * them that leaves the numbers as they are.
 * @throws TrikdError of the kind that the task failed with
 */
export async function runTask<Options>(
  { name, program, options }: Task<Options>,
  shell: Shell,
  progress: TaskProgress,
): Promise<string> {
  const child = fork(fileURLToPath(program), {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: computingEnvironment(),
  });
  const abort = () => child.kill('SIGKILL');
  shell.rest.addEventListener('abort', abort, { once: true });
  try {
    child.send(options);
    const [outcome, words] = await Promise.all([outcomeOf(child, progress), wordsOf(child)]);
    shell.rest.throwIfAborted();
    for (const line of words) say(shell, line);
    if (outcome?.event === 'result') return outcome.text;
    if (outcome) throw new TrikdError(outcome.kind, outcome.message);
    throw new TrikdError('corrupt', `the ${name} ended (${child.signalCode ?? `status ${child.exitCode}`})`);
  } finally {
    shell.rest.removeEventListener('abort', abort);
  }
}

/** The last message; undefined when the process ended before it. */
async function outcomeOf(
  child: ChildProcess,
  progress: TaskProgress,
): Promise<Exclude<TaskMessage, { readonly event: 'progress' }> | undefined> {
  let outcome: Exclude<TaskMessage, { readonly event: 'progress' }> | undefined;
  child.on('message', (message: TaskMessage) => {
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

/** Receives the progress of a task, in examples. */
export type TaskProgress = (what: string, done: number, all: number) => void;

/** What the process of a task sends. */
type TaskMessage =
  | { readonly event: 'progress'; readonly what: string; readonly done: number; readonly all: number }
  | { readonly event: 'result'; readonly text: string }
  | { readonly event: 'error'; readonly kind: ErrorKind; readonly message: string };

/** Serves one task of `runTask`: the first message has its options. The process ends when the command does. */
export function serveTask<Options>(
  work: (options: Options, env: Shell['env'], progress: TaskProgress) => Promise<string>,
): void {
  process.once('disconnect', () => process.exit());
  process.once('message', (options: Options) => {
    const send = (message: TaskMessage) => process.send?.(message);
    work(options, environment(), (what, done, all) => send({ event: 'progress', what, done, all }))
      .then((text) => send({ event: 'result', text }))
      .catch((error: unknown) => {
        if (!(error instanceof TrikdError)) throw error;
        send({ event: 'error', kind: error.kind, message: error.message });
      })
      .finally(() => process.connected && process.disconnect());
  });
}
