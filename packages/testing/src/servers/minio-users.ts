/** Users of a MinIO, each with a policy of `deploy/minio`, made by the commands that docs/operations.md lists. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { goTool } from './go-tool.js';
import type { S3Server } from './s3-server.js';

export type StoreRole = 'orchestrator' | 'trainer' | 'anchor-server' | 'serving';

/** The prefix in the policies of `deploy/minio`. */
export const TEAM = 'team';

export interface StoreUser {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** Makes one user for each role. @throws when MinIO refuses a policy, with its reason */
export function addStoreUsers(
  server: Pick<S3Server, 'port' | 'accessKey' | 'secretKey'>,
): Readonly<Record<StoreRole, StoreUser>> {
  const config = mkdtempSync(join(tmpdir(), 'trikd-mc-'));
  const program = goTool('mc');
  const mc = (...args: readonly string[]) => {
    const address = `http://${server.accessKey}:${server.secretKey}@127.0.0.1:${server.port}`;
    const env = { PATH: process.env['PATH'], HOME: config, MC_HOST_store: address };
    const { status, stderr } = spawnSync(program, ['--config-dir', config, ...args], { encoding: 'utf8', env });
    if (status !== 0) throw new Error(`mc ${args.slice(0, 3).join(' ')}: ${stderr}`);
  };
  const add = (role: StoreRole): StoreUser => {
    const policy = fileURLToPath(new URL(`../../../../deploy/minio/${role}.json`, import.meta.url));
    const user = { accessKey: `${TEAM}-${role}`, secretKey: `${role}-on-this-machine` };
    mc('admin', 'policy', 'create', 'store', user.accessKey, policy);
    mc('admin', 'user', 'add', 'store', user.accessKey, user.secretKey);
    mc('admin', 'policy', 'attach', 'store', user.accessKey, '--user', user.accessKey);
    return user;
  };
  try {
    return {
      orchestrator: add('orchestrator'),
      trainer: add('trainer'),
      'anchor-server': add('anchor-server'),
      serving: add('serving'),
    };
  } finally {
    rmSync(config, { recursive: true });
  }
}
