import { readFileSync } from 'node:fs';
import { TrikdError } from '@trikd/core/domain/errors';
import { isStoreKey } from '@trikd/core/domain/object-store';
import { z } from 'zod';

/** A text that no log, message or JSON shows: only who asks for it by name gets it. */
export interface Secret {
  reveal(): string;
  toJSON(): string;
}

export function secret(text: string): Secret {
  return { reveal: () => text, toJSON: () => '(secret)' };
}

const FolderConfig = z.strictObject({
  kind: z.literal('folder').describe('the default: a folder that all services of a run can reach'),
  path: z.string().min(1).describe('of the folder; the same for all services of a run'),
});

const Credential = z.string({ error: 'expected text; digits alone need quotes inside the quotes of the shell' }).min(1);
const CredentialFile = z.string().min(1);

const S3Config = z
  .strictObject({
    kind: z
      .literal('s3')
      .describe('MinIO, or another S3 that keeps conditional writes: the services prove it when they start'),
    endpoint: z
      .url({ protocol: /^https?$/, error: 'expected http://host:port or https://host:port' })
      .refine((url) => ['', '/'].includes(url.replace(/^https?:\/\/[^/?#]*/, '')), 'expected nothing after the port')
      .describe('URL of the server, such as http://minio:9000'),
    bucket: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expected 3 to 63 of a-z, 0-9, dot and hyphen')
      .describe('has to exist'),
    region: z.string().min(1).default('us-east-1'),
    prefix: z
      .string()
      .refine(isStoreKey, 'expected names with / between them')
      .optional()
      .describe('of all keys, for a bucket that has other uses too'),
    accessKey: Credential.optional().describe('or accessKeyFile'),
    secretKey: Credential.transform(secret).optional().describe('or secretKeyFile; never logged'),
    accessKeyFile: CredentialFile.optional().describe('file that holds the access key; read at the start'),
    secretKeyFile: CredentialFile.optional().describe('file that holds the secret key; read at the start'),
  })
  .refine((s3) => (s3.accessKey === undefined) !== (s3.accessKeyFile === undefined), {
    error: 'expected one of accessKey and accessKeyFile',
    path: ['accessKey'],
  })
  .refine((s3) => (s3.secretKey === undefined) !== (s3.secretKeyFile === undefined), {
    error: 'expected one of secretKey and secretKeyFile',
    path: ['secretKey'],
  });
export type S3Config = z.infer<typeof S3Config>;

/** Where checkpoints, manifests and the state of runs are: one section of every service's configuration. */
export const StoreConfig = z.preprocess(withKind, z.discriminatedUnion('kind', [FolderConfig, S3Config]));
export type StoreConfig = z.infer<typeof StoreConfig>;

/** A store is a folder unless it says otherwise. */
function withKind(store: unknown): unknown {
  return typeof store === 'object' && store !== null && !('kind' in store) ? { kind: 'folder', ...store } : store;
}

export interface S3Credentials {
  readonly accessKey: string;
  readonly secretKey: Secret;
}

/** The credentials themselves, from the files where they are in files. @throws TrikdError 'invalid' when one is not there, or empty. */
export function credentialsOf(config: S3Config): S3Credentials {
  return {
    accessKey: config.accessKey ?? textOf(config.accessKeyFile),
    secretKey: config.secretKey ?? secret(textOf(config.secretKeyFile)),
  };
}

/** Files of credentials often end with a line break, which is not part of them. */
function textOf(file: string | undefined): string {
  if (file === undefined) throw new TrikdError('invalid', 'a credential is neither given nor in a file');
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TrikdError('invalid', `cannot read a credential of the store: ${why}`, { file }, { cause });
  }
  if (text === '') throw new TrikdError('invalid', `cannot read a credential of the store: ${file} is empty`, { file });
  return text;
}
