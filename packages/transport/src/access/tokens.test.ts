import { AUDIENCE, type TokenIssuer, tokenIssuer } from '@trikd/testing/servers/token-issuer';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { OidcConfig } from './oidc-config.js';
import { tokenVerifier } from './tokens.js';

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
