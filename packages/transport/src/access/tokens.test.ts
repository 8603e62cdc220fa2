import { AUDIENCE, type TokenIssuer, tokenIssuer } from '@trikd/testing/servers/token-issuer';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { OidcConfig } from './oidc-config.js';
import { tokenVerifier, userOf } from './tokens.js';

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

let issuer: TokenIssuer;
beforeAll(async () => {
  issuer = await tokenIssuer();
});
afterAll(() => issuer.close());

const verifierOf = ({ url }: TokenIssuer, change: object = {}) =>
  tokenVerifier(OidcConfig.parse({ issuer: url, audience: [AUDIENCE], ...change }));

async function ownIssuer(): Promise<TokenIssuer> {
  const own = await tokenIssuer();
  onTestFinished(() => own.close());
  return own;
}

describe('a token is accepted', () => {
  test.each(['RS256', 'ES256'])('that is signed with %s', async (alg) => {
    const token = await issuer.sign({ groups: ['vision'] }, { alg, kid: alg === 'ES256' ? 'elliptic' : 'rsa' });
    expect(await verifierOf(issuer).verify(token)).toMatchObject({ subject: 'ada', teams: ['vision'] });
  });

  test('of any of several issuers', async () => {
    const other = await ownIssuer();
    const common = { audience: [AUDIENCE] };
    const verifier = tokenVerifier(
      OidcConfig.parse([
        { ...common, issuer: issuer.url, prefix: 'people:' },
        { ...common, issuer: other.url, prefix: 'ci:' },
      ]),
    );
    expect(await verifier.verify(await other.sign({ sub: 'build' }))).toMatchObject({ subject: 'ci:build' });
    expect(await verifier.verify(await issuer.sign())).toMatchObject({ subject: 'people:ada' });
  });
});

test('keys are read once, and a verified token is verified once', async () => {
  const own = await ownIssuer();
  const verifier = verifierOf(own);
  const token = await own.sign();
  expect(await verifier.verify(token)).toBe(await verifier.verify(token));
  await verifier.verify(await own.sign({ sub: 'bob' }));
  expect(own.requested).toEqual(['/.well-known/openid-configuration', '/keys']);
});

test('tokens with unknown keys do not make requests to the issuer', async () => {
  const own = await ownIssuer();
  const verifier = verifierOf(own);
  for (let n = 0; n < 20; n++) {
    const forged = await own.sign({}, { kid: `guess ${n}` });
    await expect(verifier.verify(forged)).rejects.toMatchObject({ kind: 'unauthenticated' });
  }
  expect(own.requested).toEqual(['/.well-known/openid-configuration', '/keys']);
});

test('an issuer that fails is asked again after a while, and its tokens are neither accepted nor refused', async () => {
  const own = await ownIssuer();
  own.fail(true);
  const verifier = verifierOf(own);
  for (let n = 0; n < 20; n++) {
    await expect(verifier.verify(await own.sign())).rejects.toMatchObject({ kind: 'unavailable' });
  }
  expect(own.requested).toEqual(['/.well-known/openid-configuration']);
});

test('a discovery document of another issuer is not believed', async () => {
  const own = await ownIssuer();
  const verifier = verifierOf({ ...own, url: `${own.url}/` });
  const token = await own.sign({ iss: `${own.url}/` });
  await expect(verifier.verify(token)).rejects.toThrow(/another issuer/);
});
