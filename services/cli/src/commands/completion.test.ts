import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { trikdProgram } from '../program.js';
import { candidates } from './completion.js';

const never = new AbortController().signal;
const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
const program = trikdProgram({ ...streams, env: {}, rest: never, end: never }, () => undefined);
const names = { runs: () => ['long', 'tiny'], settings: () => ['epochs', 'student.learningRate'] };
const after = (text: string) => candidates(program, text.split(' '), names);

describe('candidates', () => {
  test('are the commands that begin like the word, at each level', () => {
    expect(after('ch')).toEqual(['checkpoint']);
    expect(after('generation ')).toEqual(['list', 'trigger', 'promote', 'rollback']);
    expect(after('runs re')).toEqual(['resume']);
  });

  test('are the flags of the command for a word that begins with a dash', () => {
    expect(after('runs watch tiny --fr')).toEqual(['--from-event']);
    expect(after('runs list --h')).toEqual(['--help']);
  });

  test('are the choices of a flag, and none for a value that is free', () => {
    expect(after('runs get -o ')).toEqual(['table', 'json', 'yaml']);
    expect(after('runs list --phase tra')).toEqual(['training']);
    expect(after('runs list --server ')).toEqual([]);
    expect(after('checkpoint show tiny ')).toEqual([]);
    expect(after('run ')).toEqual([]);
  });

  test('are local runs where a run is named, and only there', () => {
    expect(after('checkpoint show t')).toEqual(['tiny']);
    expect(after('runs watch --server here:1 -o json ')).toEqual(['long', 'tiny']);
    expect(after('report tiny ')).toEqual([]);
    expect(after('runs compare long t')).toEqual(['tiny']);
  });

  test('are paths of settings after --set', () => {
    expect(after('run a.yaml --set stu')).toEqual(['student.learningRate=']);
  });

  test('never name what is hidden', () => {
    expect(after('_')).toEqual([]);
    expect(after('')).toContain('completion');
    expect(after('')).not.toContain('__complete');
  });
});
