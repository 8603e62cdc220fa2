import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A program that answers each line of its input with one line of JSON; an answer with `error` is thrown. */
export interface LineProcess {
  readonly pid: number;
  ask(line: string): Promise<unknown>;
  end(): Promise<void>;
}

export function startLineProcess(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): LineProcess {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const lines = createInterface({ input: child.stdout });
  const answers = lines[Symbol.asyncIterator]();
  const said = collect(child);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    pid: child.pid ?? 0,
    async ask(line) {
      child.stdin.write(`${line}\n`);
      const answer = await answers.next();
      if (answer.done) throw new Error(`${command} ${args.join(' ')} ended while it was asked "${line}":\n${said()}`);
      const parsed: unknown = JSON.parse(answer.value);
      if (typeof parsed === 'object' && parsed !== null && 'error' in parsed) throw new Error(String(parsed.error));
      return parsed;
    },
    async end() {
      child.stdin.end();
      await exited;
      lines.close();
    },
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

/** Answers the lines of standard input in order, one JSON line each, until it ends. */
export async function answerLines(answer: (words: readonly string[]) => Promise<unknown>): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(line.split(' ')))}\n`);
  }
}
