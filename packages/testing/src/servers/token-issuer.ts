import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';

/** An OpenID provider that publishes its keys and signs any claims. */
export interface TokenIssuer {
  /** Such as http://127.0.0.1:8080. */
  readonly url: string;
  /** Paths that were requested, in order. */
  readonly requested: readonly string[];
  /** The public RSA key as PEM, with which an attacker can make an HMAC. */
  readonly publicKey: string;
  /** A token that is valid for `AUDIENCE`. Claims that are undefined are left out. */
  sign(
    change?: Readonly<Record<string, unknown>>,
    header?: Readonly<Record<string, unknown>>,
    key?: CryptoKey,
  ): Promise<string>;
  /** The private key behind `kid: 'rsa'`. */
  readonly key: CryptoKey;
  /** Answers with status 500 from now on, or as before. */
  fail(failing: boolean): void;
  close(): Promise<void>;
}

export const AUDIENCE = 'trikd';

export async function tokenIssuer(): Promise<TokenIssuer> {
  const rsa = await generateKeyPair('RS256', { extractable: true });
  const elliptic = await generateKeyPair('ES256', { extractable: true });
  const keys = [
    { ...(await exportJWK(rsa.publicKey)), kid: 'rsa', alg: 'RS256', use: 'sig' },
    { ...(await exportJWK(elliptic.publicKey)), kid: 'elliptic', alg: 'ES256', use: 'sig' },
  ];
  const requested: string[] = [];
  let failing = false;
  let url = '';
  const server = createServer(({ url: path = '', headers }, response) => {
    requested.push(path);
    const documents: Readonly<Record<string, object>> = {
      '/.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}/keys` },
      '/keys': { keys },
    };
    const document = failing ? undefined : documents[path];
    // As Kubernetes: its keys have no other type.
    const type = path === '/keys' ? 'application/jwk-set+json' : 'application/json';
    const accepted = headers.accept?.includes(type) ?? true;
    response.writeHead(document ? (accepted ? 200 : 406) : 500, { 'content-type': type });
    response.end(JSON.stringify(document ?? {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  url = `http://127.0.0.1:${(address as AddressInfo).port}`;
  return {
    url,
    requested,
    publicKey: await exportSPKI(rsa.publicKey),
    key: rsa.privateKey,
    sign: (change = {}, header = {}, key = header['alg'] === 'ES256' ? elliptic.privateKey : rsa.privateKey) => {
      const now = Math.floor(Date.now() / 1000);
      const claims = { iss: url, aud: AUDIENCE, sub: 'ada', iat: now, exp: now + 600, ...change };
      return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'rsa', ...header }).sign(key);
    },
    fail: (on) => {
      failing = on;
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
