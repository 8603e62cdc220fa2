import { beforeAll, expect, test } from 'vitest';
import { linesOf } from './testing/node-process.js';

/** The digests of sessions that one process trains one after the other. */
const digests = (...sessions: readonly string[]) => linesOf('session-order.ts', ...sessions);

const SESSIONS = ['1', '2', '4', '1:bfloat16', '2:bfloat16'];
const alone = new Map<string, string>();

beforeAll(async () => {
  for (const session of SESSIONS) alone.set(session, (await digests(session))[0]!);
});

test('the number of threads is a part of the result', () => {
  expect(new Set(['1', '2', '4'].map((session) => alone.get(session))).size).toBe(3);
});

test.each([[['1', '2']], [['2', '1']], [['4', '2', '1', '2']], [['2:bfloat16', '2', '1:bfloat16', '1', '2:bfloat16']]])(
  'sessions %j of one process end bit for bit as each does in a process of its own',
  async (sessions) => {
    expect(await digests(...sessions)).toEqual(sessions.map((session) => alone.get(session)));
  },
);
