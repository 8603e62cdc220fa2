import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';

/** A program that answers each line of its input with one line of JSON. */
export interface LineProcess {
  ask(line: string): Promise<unknown>;
  end(): Promise<void>;
}

export function startLineProcess(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): LineProcess {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const lines = createInterface({ input: child.stdout });
  const answers = lines[Symbol.asyncIterator]();
  const said = collect(child);
  return {
    async ask(line) {
      child.stdin.write(`${line}\n`);
      const answer = await answers.next();
      if (answer.done) throw new Error(`${command} ${args.join(' ')} ended while it was asked "${line}":\n${said()}`);
      return JSON.parse(answer.value);
    },
    end: () => finish(child, lines),
  };
}

/** The last of what the program wrote on stderr. */
function collect(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-4000);
  });
  return () => text;
}

async function finish(child: ChildProcess, lines: Interface): Promise<void> {
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.stdin?.end();
  await exited;
  lines.close();
}

/** Answers the lines of standard input in order, one JSON line each, until it ends. */
export async function answerLines(answer: (words: readonly string[]) => Promise<unknown>): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(line.split(' ')))}\n`);
  }
}
