import { dirname, resolve } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';
import { plainIssue } from '@trikd/core/spec/plain-issue';
import { readText, readYaml } from '@trikd/process/read-text';
import { z } from 'zod';
import type { KubernetesConfig } from '../placement-config.js';

/** How to reach an API server, and as whom. Files are read again for each use: tokens and certificates are rotated. */
export interface ClusterAccess {
  readonly server: URL;
  credentials(): Credentials;
}

/** PEM texts, and a bearer token. */
export interface Credentials {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
  /** The name in the certificate of the server, if it is not its host. */
  readonly servername?: string;
}

/**
 * The cluster of a kubeconfig file, or the one in which this process runs.
 * @throws TrikdError `invalid` as `accessFromKubeconfig` and `accessFromPod` do
 */
export function accessOf(
  { kubeconfig, context }: KubernetesConfig,
  env: Readonly<Record<string, string | undefined>>,
): ClusterAccess {
  return kubeconfig === undefined ? accessFromPod(env) : accessFromKubeconfig(kubeconfig, context);
}

/** Where Kubernetes mounts the credentials of a pod's ServiceAccount. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The cluster in which this process runs, as the ServiceAccount of its pod.
 * @throws TrikdError `invalid` outside of a pod
 */
export function accessFromPod(
  env: Readonly<Record<string, string | undefined>>,
  folder = SERVICE_ACCOUNT,
): ClusterAccess {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (!host || !port) {
    const hint = 'set placement.kubernetes.kubeconfig to use another cluster';
    throw new TrikdError('invalid', `this process does not run in a pod of Kubernetes: ${hint}`);
  }
  const server = new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`);
  const credentials = () => ({ ca: readText(`${folder}/ca.crt`), token: readText(`${folder}/token`).trim() });
  credentials();
  return { server, credentials };
}

const Entry = z.object({ name: z.string() });

const Kubeconfig = z.object({
  'current-context': z.string(),
  contexts: z.array(Entry.extend({ context: z.object({ cluster: z.string(), user: z.string() }) })),
  clusters: z.array(
    Entry.extend({
      cluster: z.object({
        server: z.url({ protocol: /^https?$/ }),
        'certificate-authority': z.string().optional(),
        'certificate-authority-data': z.string().optional(),
        'tls-server-name': z.string().optional(),
        'insecure-skip-tls-verify': z.literal(false, 'a server without a verified certificate is refused').optional(),
      }),
    }),
  ),
  users: z.array(
    Entry.extend({
      user: z.object({
        token: z.string().optional(),
        tokenFile: z.string().optional(),
        'client-certificate': z.string().optional(),
        'client-certificate-data': z.string().optional(),
        'client-key': z.string().optional(),
        'client-key-data': z.string().optional(),
        exec: z.undefined('plugins are not run: use a token or a client certificate').optional(),
      }),
    }),
  ),
});

/**
 * The cluster and the user of the current context of a kubeconfig file.
 * @param context another one than the current one
 * @throws TrikdError `invalid` that names the file
 */
export function accessFromKubeconfig(file: string, context?: string): ClusterAccess {
  const parsed = Kubeconfig.safeParse(readYaml(file), { error: plainIssue });
  if (!parsed.success) throw new TrikdError('invalid', `${file} is invalid:\n${z.prettifyError(parsed.error)}`);
  const config = parsed.data;
  const named = <T extends { readonly name: string }>(what: string, all: readonly T[], name: string): T => {
    const found = all.find((each) => each.name === name);
    if (found) return found;
    throw new TrikdError('invalid', `${file} has no ${what} ${name}`);
  };
  const chosen = named('context', config.contexts, context ?? config['current-context']).context;
  const { cluster } = named('cluster', config.clusters, chosen.cluster);
  const { user } = named('user', config.users, chosen.user);
  const text = (name: string | undefined, data: string | undefined) => {
    if (data !== undefined) return Buffer.from(data, 'base64').toString();
    return name === undefined ? undefined : readText(resolve(dirname(file), name));
  };
  const credentials = (): Credentials => {
    const ca = text(cluster['certificate-authority'], cluster['certificate-authority-data']);
    const cert = text(user['client-certificate'], user['client-certificate-data']);
    const key = text(user['client-key'], user['client-key-data']);
    const token = user.token ?? text(user.tokenFile, undefined)?.trim();
    const servername = cluster['tls-server-name'];
    return {
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(token !== undefined && { token }),
      ...(servername !== undefined && { servername }),
    };
  };
  credentials();
  return { server: new URL(cluster.server), credentials };
}
