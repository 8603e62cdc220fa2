import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { systemClock } from '@trikd/process/system-clock';
import type { S3Api } from '@trikd/store/s3-api';
import { openS3Api, type S3ClientOptions } from '@trikd/store/s3-client';
import { s3Store } from '@trikd/store/s3-store';
import { type S3Config, secret } from '@trikd/store/store-config';
import { type S3Server, type S3ServerName, startS3Server } from '@trikd/testing/servers/s3-server';

export const text = (content: string): Uint8Array => new TextEncoder().encode(content);

/** A server with a folder of its own, both of which go with `end`. */
export interface OwnServer extends Pick<S3Server, 'endpoint' | 'bucket' | 'accessKey' | 'secretKey'> {
  /** Kills it, as the kernel would, and starts it again at the same place on the same folder. */
  killAndRestart(): Promise<void>;
  end(): Promise<void>;
}

export async function ownServer(name: S3ServerName): Promise<OwnServer> {
  const folder = await mkdtemp(join(tmpdir(), `trikd-${name}-`));
  let server = await startS3Server(name, { folder });
  return {
    ...server,
    killAndRestart: async () => {
      await server.kill();
      server = await startS3Server(name, { folder, port: server.port });
    },
    end: async () => {
      await server.kill();
      await rm(folder, { recursive: true });
    },
  };
}

type Where = Pick<S3Server, 'endpoint' | 'bucket' | 'accessKey' | 'secretKey'>;

/** What a service would be configured with. */
export function configOf({ endpoint, bucket, accessKey, secretKey }: Where): S3Config {
  return { kind: 's3', endpoint, bucket, region: 'us-east-1', accessKey, secretKey: secret(secretKey) };
}

export function apiOf(where: Where & { readonly prefix?: string }, options?: S3ClientOptions): S3Api {
  return openS3Api({ ...where, region: 'us-east-1', secretKey: secret(where.secretKey) }, options);
}

export function storeOn(api: S3Api): ObjectStore {
  return s3Store(api, { clock: systemClock, random: Math.random, writer: randomUUID() });
}
