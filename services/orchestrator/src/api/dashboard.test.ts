import { loadConfig } from '@trikd/process/config';
import { expect, test } from 'vitest';
import { OrchestratorConfig } from '../config.js';

const required = {
  TRIKD_STORE__PATH: '/data',
  TRIKD_EVENTS: '/events',
  TRIKD_TEACHER: 't:1',
  TRIKD_STUDENT: 's:1',
  TRIKD_ANCHOR: 'a:1',
};

test('the dashboard listens on the loopback interface, and nowhere when its address is empty', () => {
  const listenOf = (env: Readonly<Record<string, string>>) => loadConfig(OrchestratorConfig, env).http.listen;
  expect(listenOf(required)).toBe('127.0.0.1:0');
  expect(listenOf({ ...required, TRIKD_HTTP__LISTEN: '' })).toBe('');
});
