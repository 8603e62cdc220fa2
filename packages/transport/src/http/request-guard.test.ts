import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { describe, expect, test } from 'vitest';
import { DEFAULT_HTTP_LIMITS } from './http-limits.js';
import { createRequestGuard, type RequestOrigin, reasonToReject } from './request-guard.js';

test('a refused request is counted under the name of its limit', () => {
  const refused: string[] = [];
  const limits = { ...DEFAULT_HTTP_LIMITS, streams: 1, callsPerCaller: 1 };
  const guard = createRequestGuard(limits, virtualClock(), (limit) => refused.push(limit));
  for (const call of [
    { caller: 'ann', method: 'GET /api/events', streams: true },
    { caller: 'ann', method: 'GET /api/runs', streams: false },
  ]) {
    guard.begin(call);
    expect(() => guard.begin(call)).toThrow(' allows 1 ');
  }
  expect(refused).toEqual(['http.limits.streams', 'http.limits.callsPerCaller']);
});

const get: RequestOrigin = {
  method: 'GET',
  host: '127.0.0.1:8080',
  origin: undefined,
  site: undefined,
  contentType: undefined,
};
const post: RequestOrigin = {
  ...get,
  method: 'POST',
  origin: 'http://127.0.0.1:8080',
  contentType: 'application/json',
};

describe('a request is allowed', () => {
  test.each(['127.0.0.1:8080', 'localhost', 'localhost:1', '[::1]:8080', '10.0.0.7', 'trikd.example:443'])(
    'for the host %s',
    (host) => expect(reasonToReject({ ...get, host }, ['trikd.example'])).toBeUndefined(),
  );

  test('when it changes a run from the same origin, or from outside a browser', () => {
    expect(reasonToReject(post, [])).toBeUndefined();
    expect(
      reasonToReject({ ...post, site: 'same-origin', contentType: 'application/json; charset=utf-8' }, []),
    ).toBeUndefined();
    expect(reasonToReject({ ...post, origin: undefined }, [])).toBeUndefined();
  });
});

describe('a request is rejected', () => {
  test.each(['evil.example', 'localhost.evil.example', undefined, ''])('for the host %s', (host) => {
    expect(reasonToReject({ ...get, host }, [])).toMatch(/http\.hosts$/);
  });

  test.each([
    ['comes from another origin', { origin: 'http://evil.example' }],
    ['comes from another port', { origin: 'http://127.0.0.1:9' }],
    ['comes from an opaque origin', { origin: 'null' }],
    ['comes from another site', { origin: undefined, site: 'cross-site' }],
    ['has a body that a form can send', { contentType: 'text/plain' }],
    ['has no content type', { contentType: undefined }],
  ])('that %s', (_, part) => {
    expect(reasonToReject({ ...post, ...part }, [])).toBeDefined();
  });
});
