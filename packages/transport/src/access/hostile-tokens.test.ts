import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { AUDIENCE, type TokenIssuer, tokenIssuer } from '@trikd/testing/servers/token-issuer';
import { CompactEncrypt, exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OidcConfig } from './oidc-config.js';
import { tokenVerifier } from './tokens.js';

/** The issuer that is trusted, and one that belongs to the attacker: no request may reach it. */
let issuer: TokenIssuer;
let attacker: TokenIssuer;
beforeAll(async () => {
  issuer = await tokenIssuer();
  attacker = await tokenIssuer();
});
afterAll(() => Promise.all([issuer.close(), attacker.close()]));

const NOW = Math.floor(Date.now() / 1000);
const HOUR = 3600;

type Tokens = readonly (string | Promise<string>)[];

const encoded = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const claimsOf = (change: object = {}) => ({
  iss: issuer.url,
  aud: AUDIENCE,
  sub: 'ada',
  iat: NOW,
  exp: NOW + HOUR,
  ...change,
});

/** Signs texts as the trusted issuer would, whatever they contain. */
async function signedRaw(header: string | Buffer, claims: string | Buffer): Promise<string> {
  const input = `${Buffer.from(header).toString('base64url')}.${Buffer.from(claims).toString('base64url')}`;
  const signature = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', issuer.key, Buffer.from(input));
  return `${input}.${Buffer.from(signature).toString('base64url')}`;
}

/** A token with an HMAC, for which anything public can be the key. */
function withHmac(alg: string, key: string): string {
  const input = `${encoded({ alg, kid: 'rsa', typ: 'JWT' })}.${encoded(claimsOf())}`;
  return `${input}.${createHmac(`sha${alg.slice(2)}`, key)
    .update(input)
    .digest('base64url')}`;
}

function unsigned(alg: unknown): readonly string[] {
  const input = `${encoded({ alg, kid: 'rsa' })}.${encoded(claimsOf())}`;
  return [`${input}.`, `${input}.AA`, input];
}

const header = JSON.stringify({ alg: 'RS256', kid: 'rsa' });

const HOSTILE: Readonly<Record<string, () => Tokens | Promise<Tokens>>> = {
  'no signature': () => ['none', 'None', 'NONE', 'nOnE', '', null, ['none'], undefined].flatMap(unsigned),
  'an HMAC with the public key': () =>
    ['HS256', 'HS384', 'HS512'].flatMap((alg) =>
      [issuer.publicKey, issuer.publicKey.trim(), issuer.publicKey.replaceAll('\n', '\r\n'), ''].map((key) =>
        withHmac(alg, key),
      ),
    ),
  'another issuer': () => [
    ...[attacker.url, `${issuer.url}/`, issuer.url.toUpperCase(), `${issuer.url}@evil.example`, '', 'null'].map((iss) =>
      issuer.sign({ iss }),
    ),
    issuer.sign({ iss: undefined }),
    attacker.sign(),
    attacker.sign({ iss: issuer.url }),
  ],
  'another audience': () => [
    ...['other', 'TRIKD', 'trikd ', '', 'trikd,other'].map((aud) => issuer.sign({ aud })),
    issuer.sign({ aud: [] }),
    issuer.sign({ aud: ['other', 'third'] }),
    issuer.sign({ aud: undefined }),
  ],
  'a time that is over, or has not come': () => [
    ...[1, 31, HOUR, 100 * HOUR].map((ago) => issuer.sign({ exp: NOW - 31 - ago })),
    ...[0, -1, Number.MIN_SAFE_INTEGER].map((exp) => issuer.sign({ exp })),
    ...[HOUR, 1e6 * HOUR].map((ahead) => issuer.sign({ nbf: NOW + ahead })),
    ...[HOUR, 1e6 * HOUR].map((ahead) => issuer.sign({ iat: NOW + ahead })),
    ...[25, 1000].map((hours) => issuer.sign({ iat: NOW - hours * HOUR })),
    issuer.sign({ exp: undefined }),
    issuer.sign({ iat: undefined }),
    ...['exp', 'nbf', 'iat'].flatMap((name) =>
      ['"soon"', '"99999999999"', 'null', '[]', '{}', '1e999'].map((value) =>
        signedRaw(header, JSON.stringify({ ...claimsOf(), [name]: 'VALUE' }).replace('"VALUE"', value)),
      ),
    ),
  ],
  'a key identifier that is something else': () =>
    [
      '../../../../dev/null',
      "rsa' OR '1'='1",
      'rsa\u0000',
      '__proto__',
      'constructor',
      'RSA',
      'http://evil.example/key',
      '/etc/passwd',
      '$(id)',
      'elliptic',
      'k'.repeat(2000),
    ].map((kid) => issuer.sign({}, { kid })),
  'the key of the attacker under the name of ours': async () => {
    const own = await generateKeyPair('RS256');
    const elliptic = await generateKeyPair('ES256');
    return [
      issuer.sign({}, {}, own.privateKey),
      issuer.sign({}, { kid: undefined }, own.privateKey),
      issuer.sign({}, { alg: 'ES256', kid: 'elliptic' }, elliptic.privateKey),
      issuer.sign({}, { alg: 'ES256', kid: 'rsa' }, elliptic.privateKey),
    ];
  },
  'a key, or the address of a key, in its header': async () => {
    const own = await generateKeyPair('RS256', { extractable: true });
    const jwk = await exportJWK(own.publicKey);
    const address = `${attacker.url}/keys`;
    const headers = [
      { jwk },
      { jwk, kid: undefined },
      { jku: address },
      { jku: address, kid: 'attacker' },
      { x5u: address },
      { x5u: address, kid: undefined },
      { x5c: ['MIIB'] },
      { jku: address, x5u: address, jwk, kid: 'attacker' },
      { jku: `file:///etc/passwd` },
      { jku: `${issuer.url}/keys`, jwk },
      { p2c: 1e9, p2s: 'salt' },
    ];
    return headers.map((each) => issuer.sign({}, each, own.privateKey));
  },
  'an extension that must be understood': () => [
    signedRaw(JSON.stringify({ alg: 'RS256', kid: 'rsa', crit: ['trikd'], trikd: 1 }), JSON.stringify(claimsOf())),
    signedRaw(JSON.stringify({ alg: 'RS256', kid: 'rsa', crit: [] }), JSON.stringify(claimsOf())),
    signedRaw(JSON.stringify({ alg: 'RS256', kid: 'rsa', crit: ['b64'], b64: false }), JSON.stringify(claimsOf())),
  ],
  'another algorithm': async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const input = (alg: string) => `${encoded({ alg, kid: 'rsa' })}.${encoded(claimsOf())}`;
    const algorithms = [
      'RS384',
      'RS512',
      'PS256',
      'PS384',
      'PS512',
      'ES384',
      'ES512',
      'EdDSA',
      'ES256K',
      'RS1',
      'rs256',
      'RS256 ',
    ];
    return algorithms.map(
      (alg) => `${input(alg)}.${sign('sha256', Buffer.from(input(alg)), privateKey).toString('base64url')}`,
    );
  },
  'a changed part': async () => {
    const [head = '', body = '', signature = ''] = (await issuer.sign()).split('.');
    const admin = encoded(claimsOf({ sub: 'root', groups: ['admins'] }));
    return [
      `${head}.${admin}.${signature}`,
      `${head}.${body}.${signature.slice(0, -8)}AAAAAAAA`,
      `${head}.${body}.${signature.split('').reverse().join('')}`,
      `${encoded({ alg: 'RS256', kid: 'elliptic' })}.${body}.${signature}`,
      `${head}.${body}.${signature}AAAA`,
      `${body}.${head}.${signature}`,
    ];
  },
  'a part missing': async () => {
    const token = await issuer.sign();
    const cuts = Array.from({ length: 20 }, (_, n) => token.slice(0, Math.floor((token.length * n) / 20)));
    return [
      ...cuts,
      '.',
      '..',
      '...',
      '....',
      `${token}.`,
      `.${token}`,
      `${token}.${token}`,
      token.slice(token.indexOf('.') + 1),
    ];
  },
  'too many characters': () => [
    issuer.sign({ padding: 'x'.repeat(12_288) }),
    issuer.sign({ groups: Array.from({ length: 2000 }, (_, n) => `team ${n}`) }),
    'a'.repeat(12_289),
    `${'a'.repeat(1e6)}.${'b'.repeat(1e6)}.${'c'.repeat(1e6)}`,
    '.'.repeat(12_000),
    `eyJ${'.'.repeat(10_000)}`,
  ],
  encryption: async () => {
    const { publicKey } = await generateKeyPair('RSA-OAEP-256');
    const plain = Buffer.from(JSON.stringify(claimsOf()));
    const encrypt = (head: object) =>
      new CompactEncrypt(plain).setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', ...head }).encrypt(publicKey);
    return [encrypt({}), encrypt({ zip: 'DEF' }).catch(() => 'a.b.c.d.e'), encrypt({ cty: 'JWT' }), 'a.b.c.d.e'];
  },
  'bytes that are not UTF-8': () => {
    const claims = Buffer.from(JSON.stringify(claimsOf({ sub: 'PLACE' })));
    const at = claims.indexOf('PLACE');
    const broken = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80]].map((bytes) =>
      signedRaw(header, Buffer.concat([claims.subarray(0, at), Buffer.from(bytes), claims.subarray(at)])),
    );
    const bom = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), claims]);
    return [
      ...broken,
      signedRaw(header, bom),
      signedRaw(Buffer.from([0xff, 0xfe]), claims),
      '\u{1f600}.\u{1f600}.\u{1f600}',
      'ä.ö.ü',
    ];
  },
  'a claim twice': () => {
    const twice = (name: string, value: unknown) =>
      `${JSON.stringify(claimsOf()).slice(0, -1)},${JSON.stringify(name)}:${JSON.stringify(value)}}`;
    const claims = [
      ['sub', 'root'],
      ['sub', 'ada'],
      ['iss', issuer.url],
      ['aud', AUDIENCE],
      ['exp', NOW + 9 * HOUR],
    ] as const;
    return [
      ...claims.map(([name, value]) => signedRaw(header, twice(name, value))),
      signedRaw(header, JSON.stringify(claimsOf()).replace('"sub"', '"\\u0073ub":"root","sub"')),
      signedRaw('{"alg":"RS256","alg":"RS256","kid":"rsa"}', JSON.stringify(claimsOf())),
      signedRaw(header, JSON.stringify(claimsOf({ groups: 'X' })).replace('"X"', '["a"],"groups":["admins"]')),
    ];
  },
  'no claims': () =>
    ['', 'null', '[]', '1', '"ada"', 'true', '{', '{}', '[{}]', 'ada', `${'['.repeat(3000)}${']'.repeat(3000)}`].map(
      (claims) => signedRaw(header, claims || ' '),
    ),
  'nobody, or a name that is none': () => [
    ...[undefined, '', 'a'.repeat(300), 'ada\u0000', 'ada\nadmin', '\u001b]0;x\u0007', 'ada\u202eroot'].map((sub) =>
      issuer.sign({ sub }),
    ),
    ...[17, null, ['ada'], { toString: 'ada' }].map((sub) => signedRaw(header, JSON.stringify(claimsOf({ sub })))),
    issuer.sign({ groups: { length: 1 } }),
    issuer.sign({ groups: [['admins']] }),
  ],
  'another purpose': () =>
    ['logout+jwt', 'dpop+jwt', 'secevent+jwt', 'JOSE', 'kb+jwt'].map((typ) => issuer.sign({}, { typ })),
  'other texts': () => [
    '',
    ' ',
    'Bearer',
    'null',
    'undefined',
    'eyJhbGciOiJub25lIn0.e30.',
    '{"alg":"none"}.{}.',
    '<xml/>',
    '-----BEGIN PUBLIC KEY-----',
    '%00.%00.%00',
    '=.=.=',
    '__proto__.__proto__.__proto__',
  ],
};

test.each(Object.entries(HOSTILE))('tokens with %s are refused, without a word of them', async (_, make) => {
  const verifier = tokenVerifier(OidcConfig.parse({ issuer: issuer.url, audience: [AUDIENCE] }));
  const tokens = await Promise.all(await make());
  for (const token of tokens) {
    const failure: unknown = await verifier.verify(token).catch((error: unknown) => error);
    expect(failure).toMatchObject({ kind: 'unauthenticated' });
    const text = failure instanceof Error ? `${failure.stack} ${JSON.stringify(failure)} ${failure.cause}` : '';
    for (const part of token.split('.')) if (part.length > 12) expect(text).not.toContain(part);
  }
});

test('there are more than 200 hostile tokens, all different', async () => {
  const tokens = await Promise.all((await Promise.all(Object.values(HOSTILE).map((make) => make()))).flat());
  expect(new Set(tokens).size).toBeGreaterThan(200);
});

test('a hostile token makes no request to an address that it names', () => {
  expect(attacker.requested).toEqual([]);
});
