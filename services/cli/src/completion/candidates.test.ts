import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { trikdProgram } from '../program.js';
import { candidates } from './candidates.js';

const never = new AbortController().signal;
const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
const program = trikdProgram({ ...streams, env: {}, rest: never, end: never }, () => undefined);
const after = (text: string) => candidates(program, text.split(' '));

describe('candidates', () => {
  test('are the commands that begin like the word, at each level', () => {
    expect(after('ch')).toEqual(['checkpoint']);
    expect(after('generation ')).toEqual(['list', 'trigger', 'promote', 'rollback']);
    expect(after('runs re')).toEqual(['resume']);
  });

  test('are the flags of the command in hand for a word that begins with a dash', () => {
    expect(after('runs watch tiny --fr')).toEqual(['--from-event']);
    expect(after('runs list --h')).toEqual(['--help']);
  });

  test('are the choices of a flag, and none for a value that is free', () => {
    expect(after('runs list -o ')).toEqual(['table', 'json', 'yaml']);
    expect(after('runs list --phase tra')).toEqual(['training']);
    expect(after('runs list --server ')).toEqual([]);
    expect(after('checkpoint show t')).toEqual([]);
  });

  test('never name what is hidden', () => {
    expect(after('_')).toEqual([]);
    expect(after('')).toContain('completion');
    expect(after('')).not.toContain('__complete');
  });
});
