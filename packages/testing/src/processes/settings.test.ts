import { expect, test } from 'vitest';
import { settingsOf } from './settings.js';

test('a configuration becomes settings by path; lists and other values stay whole', () => {
  expect(settingsOf({ listen: 'a:1', store: { kind: 's3', path: 'p' }, times: { look: 0.1 }, names: ['x'] })).toEqual({
    listen: 'a:1',
    'store.kind': 's3',
    'store.path': 'p',
    'times.look': 0.1,
    names: ['x'],
  });
});
