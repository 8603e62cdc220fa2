import { specFor } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import { assertFitsHere, ownLimits } from './data-limits.js';

const many = specFor('bare', { engine: { threads: 200 } });

test('a run above a limit is refused before services start, with the variable that raises one', () => {
  expect(() => assertFitsHere(many, {})).toThrow(
    'run trial is not admitted:\n  engine.threads: 200 threads, limit admission.threads: 128\n' +
      'make the run smaller, or raise the limit in the configuration of the services, ' +
      'here with a variable such as TRIKD_ADMISSION__PARAMS',
  );
});

test('a variable raises a limit', () => {
  expect(() => assertFitsHere(many, { TRIKD_ADMISSION__THREADS: '200', TRIKD_LOG__LEVEL: 'warn' })).not.toThrow();
});

test('a variable that sets no limit is refused by name', () => {
  expect(() => ownLimits({ TRIKD_ADMISSION__THREAD: '200' })).toThrow('there is no setting thread');
});
