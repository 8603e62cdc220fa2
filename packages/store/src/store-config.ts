import { readFileSync } from 'node:fs';
import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import { isStoreKey } from '@trikd/core/domain/object-store';
import { z } from 'zod';

/** A text that does not appear in logs, messages or JSON. */
export interface Secret {
  reveal(): string;
  toJSON(): string;
}

export function secret(text: string): Secret {
  return { reveal: () => text, toJSON: () => '(secret)' };
}

const FolderConfig = z.strictObject({
  kind: z.literal('folder').describe('the default: a folder that all services of a run share'),
  path: z.string().min(1).describe('path of the folder; the same for all services of a run'),
});

const Credential = z
  .string({ error: 'expected text; quote a value of digits twice, once for the shell and once for YAML' })
  .min(1);
const CredentialFile = z.string().min(1);

const S3Config = z
  .strictObject({
    kind: z
      .literal('s3')
      .describe('MinIO, or another S3 server with conditional writes, which the orchestrator verifies when it starts'),
    endpoint: z
      .url({ protocol: /^https?$/, error: 'expected http://host:port or https://host:port' })
      .refine((url) => ['', '/'].includes(url.replace(/^https?:\/\/[^/?#]*/, '')), 'expected nothing after the port')
      .describe('URL of the server, such as http://minio:9000'),
    bucket: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expected 3 to 63 of a-z, 0-9, dot and hyphen')
      .describe('must exist'),
    region: z.string().min(1).default('us-east-1'),
    prefix: z
      .string()
      .refine(isStoreKey, 'expected names separated by /')
      .optional()
      .describe('prefix of all keys, for a shared bucket'),
    accessKey: Credential.optional().describe('or accessKeyFile'),
    secretKey: Credential.transform(secret).optional().describe('or secretKeyFile; never logged'),
    accessKeyFile: CredentialFile.optional().describe('file with the access key; read at start'),
    secretKeyFile: CredentialFile.optional().describe('file with the secret key; read at start'),
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

/** Where checkpoints, manifests and the state of runs are stored: a section of every service's configuration. */
export const StoreConfig = z.preprocess(withKind, z.discriminatedUnion('kind', [FolderConfig, S3Config]));
export type StoreConfig = z.infer<typeof StoreConfig>;

/** The default kind is a folder. */
function withKind(store: unknown): unknown {
  return typeof store === 'object' && store !== null && !('kind' in store) ? { kind: 'folder', ...store } : store;
}

export interface S3Credentials {
  readonly accessKey: string;
  readonly secretKey: Secret;
}

/** The credentials of a store, read from their files if necessary. @throws TrikdError 'invalid' if a file is missing or empty */
export function credentialsOf(config: S3Config): S3Credentials {
  return {
    accessKey: config.accessKey ?? textOf(config.accessKeyFile),
    secretKey: config.secretKey ?? secret(textOf(config.secretKeyFile)),
  };
}

/** Reads a credential without the line break with which its file may end. */
function textOf(file: string | undefined): string {
  if (file === undefined) throw new TrikdError('invalid', 'the store has a credential missing');
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    const why = messageOf(cause);
    throw new TrikdError('invalid', `cannot read a credential of the store: ${why}`, { file }, { cause });
  }
  if (text === '') throw new TrikdError('invalid', `cannot read a credential of the store: ${file} is empty`, { file });
  return text;
}
