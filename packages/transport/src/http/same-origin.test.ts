import { describe, expect, test } from 'vitest';
import { type RequestOrigin, refusal } from './same-origin.js';

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

describe('a request is answered', () => {
  test.each(['127.0.0.1:8080', 'localhost', 'localhost:1', '[::1]:8080', '10.0.0.7', 'trikd.example:443'])(
    'for the host %s',
    (host) => expect(refusal({ ...get, host }, ['trikd.example'])).toBeUndefined(),
  );

  test('when it steers from the same origin, or from no page at all', () => {
    expect(refusal(post, [])).toBeUndefined();
    expect(
      refusal({ ...post, site: 'same-origin', contentType: 'application/json; charset=utf-8' }, []),
    ).toBeUndefined();
    expect(refusal({ ...post, origin: undefined }, [])).toBeUndefined();
  });
});

describe('a request is refused', () => {
  test.each(['evil.example', 'localhost.evil.example', undefined, ''])('for the host %s', (host) => {
    expect(refusal({ ...get, host }, [])).toMatch(/http\.hosts$/);
  });

  test.each([
    ['comes from another origin', { origin: 'http://evil.example' }],
    ['comes from another port', { origin: 'http://127.0.0.1:9' }],
    ['comes from an opaque origin', { origin: 'null' }],
    ['comes from another site', { origin: undefined, site: 'cross-site' }],
    ['has a body that a form can send', { contentType: 'text/plain' }],
    ['does not say what its body is', { contentType: undefined }],
  ])('that %s', (_, part) => {
    expect(refusal({ ...post, ...part }, [])).toBeDefined();
  });
});
