/** S3 servers as child processes, for tests and for `make minio`. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'minio';
import { type ChildServer, controlOf, freePort, wordsOf } from './child-server.js';
import { goTool } from './go-tool.js';

export type S3ServerName = 'minio' | 'versitygw' | 'gofakes3';

/** A server that answers, with a bucket in it. */
export interface S3Server extends ChildServer {
  readonly endpoint: string;
  readonly port: number;
  readonly bucket: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly pid: number;
}

export interface S3ServerOptions {
  /** Keeps its objects, and outlives it; made when absent. */
  readonly folder: string;
  /** Default: one that is free. */
  readonly port?: number;
}

/** They listen on the loopback interface only: these are no secrets. */
const ACCESS_KEY = 'trikd';
const SECRET_KEY = 'trikd-on-this-machine';
const BUCKET = 'trikd';
const START_MS = 30_000;

interface Launch {
  readonly args: (folder: string, port: number) => readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const LAUNCHES: Readonly<Record<S3ServerName, Launch>> = {
  minio: {
    args: (folder, port) => ['server', folder, '--address', `127.0.0.1:${port}`, '--quiet'],
    env: { MINIO_ROOT_USER: ACCESS_KEY, MINIO_ROOT_PASSWORD: SECRET_KEY, MINIO_BROWSER: 'off', MINIO_CI_CD: '1' },
  },
  versitygw: {
    args: (folder, port) => ['--port', `127.0.0.1:${port}`, '--keep-alive', '--quiet', 'posix', folder],
    env: { ROOT_ACCESS_KEY: ACCESS_KEY, ROOT_SECRET_KEY: SECRET_KEY },
  },
  gofakes3: {
    args: (_, port) => ['-host', `127.0.0.1:${port}`, '-backend', 'mem', '-quiet'],
    env: {},
  },
};

/** Starts a server and makes a bucket in it. @throws when it does not answer, with its last words */
export async function startS3Server(name: S3ServerName, options: S3ServerOptions): Promise<S3Server> {
  const { args, env } = LAUNCHES[name];
  const port = options.port ?? (await freePort());
  const endpoint = `http://127.0.0.1:${port}`;
  const objects = join(options.folder, 'objects');
  mkdirSync(objects, { recursive: true });
  const child = spawn(goTool(name), args(objects, port), {
    // What a server keeps in the home of its user, it keeps here.
    env: { PATH: process.env['PATH'], HOME: options.folder, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const output = wordsOf(child);
  const server = controlOf(child);
  try {
    await untilReady(port, server.ended);
  } catch (error) {
    await server.kill();
    throw new Error(`${name} does not start on port ${port}: ${output() || String(error)}`, { cause: error });
  }
  return {
    endpoint,
    port,
    bucket: BUCKET,
    accessKey: ACCESS_KEY,
    secretKey: SECRET_KEY,
    pid: child.pid ?? 0,
    ...server,
  };
}

/** Asks for the bucket until it is there: a server that answers its health check may still refuse requests. */
async function untilReady(port: number, ended: Promise<void>): Promise<void> {
  const client = new Client({
    endPoint: '127.0.0.1',
    port,
    useSSL: false,
    accessKey: ACCESS_KEY,
    secretKey: SECRET_KEY,
    region: 'us-east-1',
    retryOptions: { disableRetry: true },
  });
  let gone = false;
  // Somebody else's server may hold the port, and never answer.
  const end = ended.then(() => {
    gone = true;
  });
  const ask = async () => {
    if (!(await client.bucketExists(BUCKET))) await client.makeBucket(BUCKET);
  };
  const last = performance.now() + START_MS;
  for (;;) {
    try {
      await Promise.race([ask(), end]);
      if (gone) throw new Error('it ended');
      return;
    } catch (error) {
      if (gone || performance.now() > last) throw error;
      await delay(20);
    }
  }
}
