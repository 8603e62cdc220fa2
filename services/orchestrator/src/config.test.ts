import { loadConfig } from '@trikd/process/config';
import { expect, test } from 'vitest';
import { OrchestratorConfig } from './config.js';

const required = {
  TRIKD_STORE__PATH: '/data',
  TRIKD_EVENTS: '/events',
  TRIKD_TEACHER: 'teacher:50052',
  TRIKD_STUDENT: 'student:50053',
  TRIKD_ANCHOR: 'anchor:50051',
};

test('an empty TRIKD_HTTP__LISTEN means no dashboard', () => {
  expect(loadConfig(OrchestratorConfig, { ...required, TRIKD_HTTP__LISTEN: '' }).http.listen).toBe('');
});

test('a limit is set by its name', () => {
  const env = { ...required, TRIKD_LIMITS__STREAMS_PER_CALLER: '9', TRIKD_HTTP__LIMITS__STREAMS: '8' };
  const { limits, http } = loadConfig(OrchestratorConfig, env);
  expect([limits.streamsPerCaller, http.limits.streams]).toEqual([9, 8]);
});
