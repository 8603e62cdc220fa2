import type { Caller, Verb } from '@trikd/transport/access/caller';
import { describe, expect, test } from 'vitest';
import { isAdmin, mayAccess, ownerOf } from './as-caller.js';

const person = (subject: string, teams: readonly string[] = [], verbs: readonly Verb[] = ['view', 'steer', 'delete']) =>
  ({ kind: 'user', subject, teams, verbs }) satisfies Caller;

describe('a run', () => {
  const run = { subject: 'ada', team: 'vision' };
  test.each<[string, Caller, boolean]>([
    ['its owner', person('ada'), true],
    ['a member of its team', person('bob', ['speech', 'vision']), true],
    ['a member of another team', person('bob', ['speech']), false],
    ['a person who is called like its team', person('vision'), false],
    ['a person whose team is called like its owner', person('bob', ['ada']), false],
    ['an admin', person('root', [], ['admin']), true],
    ['everybody, where nobody is recognised', { kind: 'anonymous' }, true],
  ])('can be accessed by %s: %s', (_, caller, expected) => {
    expect(mayAccess(caller, run)).toBe(expected);
  });

  test('without an owner is for admins', () => {
    expect(mayAccess(person('ada', ['vision']), undefined)).toBe(false);
    expect(mayAccess(person('root', [], ['admin']), undefined)).toBe(true);
  });

  test('without a team is for its owner', () => {
    expect(mayAccess(person('bob', ['undefined', '']), { subject: 'ada' })).toBe(false);
  });
});

describe('a new run belongs to', () => {
  test.each([
    ['its creator and their only team', ['vision'], '', { subject: 'ada', team: 'vision' }],
    ['its creator alone, who is in several teams', ['vision', 'speech'], '', { subject: 'ada' }],
    ['the team that the request names', ['vision', 'speech'], 'speech', { subject: 'ada', team: 'speech' }],
    ['its creator alone, who is in no team', [], '', { subject: 'ada' }],
  ])('%s', (_, teams, team, owner) => {
    expect(ownerOf(person('ada', teams), team)).toEqual(owner);
  });

  test('no team of which its creator is no member', () => {
    expect(() => ownerOf(person('ada', ['vision']), 'speech')).toThrow('ada is not in the team speech');
  });

  test('nobody, where nobody is recognised', () => {
    expect(ownerOf({ kind: 'anonymous' }, 'vision')).toBeUndefined();
  });
});

test('steering and deleting make nobody an admin', () => {
  expect(isAdmin(person('ada'))).toBe(false);
});
