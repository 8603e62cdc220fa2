import { loadConfig } from '@trikd/process/config';
import { expect, test } from 'vitest';
import { dialledIn, OrchestratorConfig, placementOf } from './config.js';

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

test('a placement of JobSets needs a namespace, and connects to pods', () => {
  const { TRIKD_TEACHER: _t, TRIKD_STUDENT: _s, TRIKD_ANCHOR: _a, ...env } = required;
  const jobset = { ...env, TRIKD_PLACEMENT__KIND: 'jobset' };
  expect(() => loadConfig(OrchestratorConfig, jobset)).toThrow('placement.namespace');
  const config = loadConfig(OrchestratorConfig, { ...jobset, TRIKD_PLACEMENT__NAMESPACE: 'runs' });
  expect(placementOf(config)).toMatchObject({ kind: 'jobset', namespace: 'runs', instance: 'trikd', most: 100 });
  expect(dialledIn(config)).toEqual(['pods:50051']);
});

test('a placement in the process connects to no service', () => {
  const { TRIKD_TEACHER: _t, TRIKD_STUDENT: _s, TRIKD_ANCHOR: _a, ...env } = required;
  const config = loadConfig(OrchestratorConfig, { ...env, TRIKD_PLACEMENT__KIND: 'in-process' });
  expect([placementOf(config), dialledIn(config)]).toEqual([{ kind: 'in-process' }, []]);
});

test('the short form of one trio is a placement with one trio', () => {
  const { kind, ...placement } = placementOf(loadConfig(OrchestratorConfig, required));
  expect([kind, placement]).toEqual([
    'fixed',
    { trios: [{ name: 'trio-1', teacher: 'teacher:50052', student: 'student:50053', anchor: 'anchor:50051' }] },
  ]);
});
