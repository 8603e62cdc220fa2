/** Keys, tokens and kubeconfigs of an API server that tests start. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { issueCertificate } from '@trikd/transport/access/authority';
import { LASTING, newAuthority } from './certificates.js';

/** Who may call the API server: user names of Kubernetes with their groups. */
export type KubernetesUsers = Readonly<Record<string, readonly string[]>>;

export interface KubernetesCredentials {
  /** Arguments by which the API server uses them. */
  readonly args: readonly string[];
  /** PEM file of the authority behind the API server's certificate. */
  readonly ca: string;
  /** PEM file of the key that signs the tokens of ServiceAccounts. */
  readonly serviceAccountKey: string;
  /** Writes the kubeconfig of a user for the API server at an address; returns its path. */
  kubeconfig(user: string, server: string): string;
}

/** Makes the files in a folder. @param hosts names and addresses of the API server */
export async function kubernetesCredentials(
  folder: string,
  hosts: readonly string[],
  users: KubernetesUsers,
): Promise<KubernetesCredentials> {
  mkdirSync(folder, { recursive: true });
  const write = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const authority = await newAuthority();
  const server = await issueCertificate(authority, { uris: [], hosts, ...LASTING });
  const proxy = await issueCertificate(authority, { uris: [], hosts: ['front-proxy-client'], ...LASTING });
  const signing = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const tokens = Object.fromEntries(Object.keys(users).map((user) => [user, randomUUID()]));
  const rows = Object.entries(users).map(([user, groups]) => `${tokens[user]},${user},${user},"${groups.join()}"\n`);
  const ca = write('ca.pem', authority.cert);
  const serviceAccountKey = write('service-accounts.key', signing.privateKey);
  return {
    ca,
    serviceAccountKey,
    args: [
      `--tls-cert-file=${write('server.pem', server.cert)}`,
      `--tls-private-key-file=${write('server.key', server.key)}`,
      `--token-auth-file=${write('tokens.csv', rows.join(''))}`,
      `--service-account-key-file=${write('service-accounts.pem', signing.publicKey)}`,
      `--service-account-signing-key-file=${serviceAccountKey}`,
      // It names its users to API servers behind it, such as that of Kueue: a namespace is deleted only while all of them answer.
      `--proxy-client-cert-file=${write('proxy.pem', proxy.cert)}`,
      `--proxy-client-key-file=${write('proxy.key', proxy.key)}`,
      `--requestheader-client-ca-file=${ca}`,
      '--requestheader-username-headers=X-Remote-User',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    ],
    kubeconfig: (user, address) => {
      const cluster = { server: address, 'certificate-authority-data': Buffer.from(authority.cert).toString('base64') };
      return write(
        `${user.replaceAll(':', '-')}.kubeconfig`,
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'Config',
          clusters: [{ name: 'trikd', cluster }],
          users: [{ name: user, user: { token: tokens[user] } }],
          contexts: [{ name: 'trikd', context: { cluster: 'trikd', user } }],
          'current-context': 'trikd',
        }),
      );
    },
  };
}
