import { expect, test } from 'vitest';
import { routeOf } from './run-routes.js';

const ask = (method: string, path: string, body?: object, lastEvent?: string) => {
  const [before = '', query] = path.split('?');
  return routeOf({ method, path: before, query: new URLSearchParams(query), body }, lastEvent);
};

test.each([
  [
    'GET',
    '/runs?pageSize=5&phase=RUN_PHASE_FAILED',
    'listRuns',
    { pageSize: 5, pageToken: '', phases: ['RUN_PHASE_FAILED'] },
  ],
  [
    'GET',
    '/runs?view=RUN_LIST_VIEW_SUMMARY',
    'listRuns',
    { pageSize: 0, pageToken: '', phases: [], view: 'RUN_LIST_VIEW_SUMMARY' },
  ],
  ['POST', '/runs', 'createRun', { requestId: 'r' }],
  ['GET', '/caller', 'getCaller', {}],
  ['GET', '/runs/tiny', 'getRun', { requestId: 'r', runId: 'tiny' }],
  ['DELETE', '/runs/tiny', 'deleteRun', { requestId: 'r', runId: 'tiny' }],
  ['POST', '/runs/tiny:pause', 'pauseRun', { requestId: 'r', runId: 'tiny' }],
  ['POST', '/runs/tiny:resume', 'resumeRun', { requestId: 'r', runId: 'tiny' }],
  ['POST', '/runs/tiny:cancel', 'cancelRun', { requestId: 'r', runId: 'tiny' }],
  ['POST', '/runs/tiny:trigger', 'triggerGeneration', { requestId: 'r', runId: 'tiny' }],
  ['POST', '/runs/tiny:promote', 'promoteGeneration', { requestId: 'r', runId: 'tiny' }],
  ['POST', '/runs/tiny:tag', 'tagRun', { requestId: 'r', runId: 'tiny' }],
  ['POST', '/runs/tiny:rollback', 'rollbackAnchor', { requestId: 'r', runId: 'tiny' }],
])('%s %s calls %s', (method, path, rpc, request) => {
  expect(ask(method, path, { requestId: 'r' })).toEqual({ kind: 'call', rpc, request });
});

test.each([
  ['no first event by default', '/runs/tiny/events', undefined, 0],
  ['those from a number on', '/runs/tiny/events?from=7', undefined, 7],
  ['those after the last one received', '/runs/tiny/events?from=7', '41', 42],
  ['no first event when the last one is not a number', '/runs/tiny/events', 'x', 0],
])('a stream has %s', (_, path, lastEvent, fromEvent) => {
  expect(ask('GET', path, undefined, lastEvent)).toEqual({ kind: 'watch', runId: 'tiny', fromEvent });
});

test('the history of a run is a file', () => {
  expect(ask('GET', '/runs/tiny/history')).toEqual({ kind: 'history', runId: 'tiny' });
  expect(ask('GET', '/runs/tiny/history?newest=9')).toEqual({ kind: 'history', runId: 'tiny', newestEvents: 9 });
});

test('the checkpoints of a run are listed, and a blob is a file by its key', () => {
  expect(ask('GET', '/runs/tiny/checkpoints')).toEqual({
    ...{ kind: 'call', rpc: 'listCheckpoints', request: { runId: 'tiny' } },
  });
  const key = 'runs/tiny/blobs/0.1/ab.safetensors';
  expect(ask('GET', '/runs/tiny/blobs/0.1/ab.safetensors')).toEqual({ kind: 'blob', runId: 'tiny', key });
});

test.each([
  ['POST', '/runs/tiny/checkpoints'],
  ['POST', '/runs/tiny/blobs/0.1/ab.safetensors'],
  ['GET', '/runs/tiny/blobs/ab.safetensors'],
  ['GET', '/runs/tiny/blobs/0.1/a/b'],
  ['POST', '/runs/tiny/history'],
  ['GET', '/runs/tiny:pause'],
  ['POST', '/runs/tiny:explode'],
  ['POST', '/runs/tiny:constructor'],
  ['POST', '/runs/tiny'],
  ['PUT', '/runs'],
  ['GET', '/runs/'],
  ['GET', '/runs/a/b'],
  ['POST', '/runs/tiny/events'],
  ['GET', '/'],
])('%s %s has no route', (method, path) => {
  expect(ask(method, path)).toBeUndefined();
});

test.each([
  ['newest', '/runs/tiny/history?newest=0'],
  ['from', '/runs/tiny/events?from=x'],
  ['from', '/runs/tiny/events?from=-1'],
  ['from', '/runs/tiny/events?from=99999999999999999999'],
  ['pageSize', '/runs?pageSize=many'],
  ['pageSize', '/runs?pageSize=4294967296'],
])('%s is invalid in %s', (field, path) => {
  expect(ask('GET', path)).toEqual({ kind: 'invalid', field, message: `${field} must be a whole number` });
});
