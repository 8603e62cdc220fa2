import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { lastError, lastErrorIn } from './last-error.js';

const folder = mkdtempSync(join(tmpdir(), 'trikd-log-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe('lastError', () => {
  const stderr = file('stderr', 'noise\nlast words\n\n');

  test('is the last error of the log, with its cause, whatever was logged later and however the log ends', () => {
    const log = file(
      'log.jsonl',
      [
        '{"level":50,"msg":"a call failed","err":{"message":"first"}}',
        '{"level":60,"msg":"unhandled error","err":{"message":"out of memory"}}',
        '{"level":30,"msg":"shutting down"}',
        '{"level":60,"ms',
      ].join('\n'),
    );
    expect(lastError(log, stderr)).toBe('unhandled error: out of memory');
  });

  test('is the last line of standard error when the log has no error', () => {
    expect(lastError(file('calm.jsonl', '{"level":30,"msg":"listening"}\n'), stderr)).toBe('last words');
  });

  test('is nothing that TensorFlow says when all is well', () => {
    const chatter = 'I0000 00:00:1795487486.337103    2336 port.cc:153] oneDNN custom operations are on.\n';
    expect(lastError(join(folder, 'absent'), file('chatter', `Aborted\n${chatter}`))).toBe('Aborted');
  });

  test('is undefined when there is nothing', () => {
    expect(lastError(join(folder, 'absent'), join(folder, 'absent too'))).toBeUndefined();
  });
});

describe('lastErrorIn', () => {
  const chatter = 'I0000 00:00:1795487486.337103    2336 port.cc:153] oneDNN custom operations are on.';

  test.each([
    ['the last error of the log', ['{"level":60,"msg":"no store"}', '{"level":30,"msg":"bye"}', chatter], 'no store'],
    ['the last other line when the log has no error', ['Killed', '{"level":30,"msg":"bye"}', chatter], 'Killed'],
    ['undefined when there is nothing else', ['{"level":30,"msg":"bye"}', chatter, ''], undefined],
  ])('is %s', (_, lines, expected) => {
    expect(lastErrorIn(lines.join('\n'))).toBe(expected);
  });
});
