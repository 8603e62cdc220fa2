import { describe, expect, test } from 'vitest';
import { userOf } from './claims.js';
import { OidcConfig } from './oidc-config.js';

const issuerWith = (change: object = {}) =>
  OidcConfig.parse({ issuer: 'https://issuer.example', audience: ['trikd'], ...change })[0]!;

describe('a person with a token', () => {
  test('may view, steer and delete, and is in the teams of the claim groups', () => {
    expect(userOf({ sub: 'ada', groups: ['vision', 'vision'] }, issuerWith())).toEqual({
      kind: 'user',
      subject: 'ada',
      teams: ['vision'],
      verbs: ['view', 'steer', 'delete'],
    });
  });

  test('is named by the claim that the configuration chooses, with the prefix of the issuer', () => {
    const issuer = issuerWith({ subjectClaim: 'email', prefix: 'corp:' });
    expect(userOf({ sub: '17', email: 'ada@example.org', groups: 'vision' }, issuer)).toMatchObject({
      subject: 'corp:ada@example.org',
      teams: ['corp:vision'],
    });
  });

  test('is only in those teams that the configuration lists, if it lists any', () => {
    const { teams } = userOf({ sub: 'ada', groups: ['everybody', 'vision'] }, issuerWith({ teams: ['vision'] }));
    expect(teams).toEqual(['vision']);
  });
});

describe('further verbs', () => {
  test.each([
    ['a claim', { verbsClaim: 'trikd_verbs' }, { trikd_verbs: ['steer', 'fly'] }, ['view', 'steer']],
    ['a team', { teamVerbs: { vision: ['delete'] } }, { groups: ['vision'] }, ['view', 'delete']],
    ['no team with the name of a property', { teamVerbs: {} }, { groups: ['constructor'] }, ['view']],
    ['the list of admins', { admins: ['ada'] }, {}, ['view', 'steer', 'delete', 'admin']],
    ['a claim that says admin', { verbsClaim: 'v' }, { v: 'admin' }, ['view', 'steer', 'delete', 'admin']],
    ['no claim that the configuration does not name', {}, { trikd_verbs: ['admin'] }, ['view']],
  ])('come from %s', (_, change, claims, verbs) => {
    expect(userOf({ sub: 'ada', ...claims }, issuerWith({ verbs: ['view'], ...change })).verbs).toEqual(verbs);
  });
});

test.each([
  ['is missing', {}],
  ['is not a text', { sub: 17 }],
  ['is empty', { sub: '' }],
  ['is too long', { sub: 'a'.repeat(257) }],
  ['could control a terminal', { sub: 'ada\u001b[2J' }],
  ['breaks the line', { sub: 'ada\nroot' }],
  ['turns the direction of writing', { sub: 'ada\u202e' }],
  ['is beside teams that are not texts', { sub: 'ada', groups: [{ name: 'vision' }] }],
])('a subject is refused that %s', (_, claims) => {
  expect(() => userOf(claims, issuerWith())).toThrowError(expect.objectContaining({ kind: 'unauthenticated' }));
});

test('an e-mail address that is not verified names nobody', () => {
  const claims = { sub: '17', email: 'ada@example.org', email_verified: false };
  expect(() => userOf(claims, issuerWith({ subjectClaim: 'email' }))).toThrow(/not verified/);
});

describe('a configuration is refused', () => {
  const one = { issuer: 'https://issuer.example', audience: ['trikd'] };
  test.each([
    ['whose issuer is read over plain text', { ...one, issuer: 'http://issuer.example' }],
    ['without an audience', { ...one, audience: [] }],
    ['of two issuers whose subjects could be the same', [one, { ...one, issuer: 'https://other.example' }]],
    [
      'that lists an issuer twice',
      [
        { ...one, prefix: 'a:' },
        { ...one, prefix: 'b:' },
      ],
    ],
  ])('%s', (_, config) => {
    expect(OidcConfig.safeParse(config).success).toBe(false);
  });
});
