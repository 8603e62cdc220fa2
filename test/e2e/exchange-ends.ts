import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { Answer, Order } from './exchange-process.js';

/** A process that is one end of an exchange. */
export interface ExchangeEnd {
  readonly pid: number;
  /** @throws Error what it answered that it failed of, or that it has ended */
  ask(order: Order): Promise<Answer>;
}

const PROGRAM = fileURLToPath(new URL('exchange-process.ts', import.meta.url));

/** Starts one end for logits of rows x cols. It ends with the test, frozen or not. */
export function startEnd(rows: number, cols: number): ExchangeEnd {
  const child: ChildProcess = fork(PROGRAM, [String(rows), String(cols)]);
  const waiting = new Map<number, (answer: Answer) => void>();
  let asked = 0;
  child.on('message', ({ id, answer }: { id: number; answer: Answer }) => waiting.get(id)?.(answer));
  child.once('exit', () => {
    for (const answer of waiting.values()) answer({ failure: 'the process has ended' });
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return {
    pid: child.pid ?? 0,
    async ask(order) {
      asked += 1;
      const id = asked;
      child.send({ id, order });
      const answer = await new Promise<Answer>((resolve) => waiting.set(id, resolve));
      waiting.delete(id);
      if (answer.failure !== undefined) throw new Error(answer.failure);
      return answer;
    },
  };
}

/** Teacher and student that hear each other. @param listen addresses to listen at */
export async function startPair(
  [rows, cols]: readonly [number, number],
  listen: readonly [string, string] = ['127.0.0.1:0', '127.0.0.1:0'],
  stepTimeout = 60,
) {
  const [teacher, student] = [startEnd(rows, cols), startEnd(rows, cols)];
  const at = [
    await teacher.ask({ do: 'serve', role: 'teacher', listen: listen[0] }),
    await student.ask({ do: 'serve', role: 'student', listen: listen[1] }),
  ];
  await teacher.ask({ do: 'hear', peer: 'student', address: at[1]?.address ?? '', stepTimeout });
  await student.ask({ do: 'hear', peer: 'teacher', address: at[0]?.address ?? '', stepTimeout });
  return { teacher, student, at: { teacher: at[0]?.address ?? '', student: at[1]?.address ?? '' } };
}
