/**
 * Starts and stops the services of deploy/compose with Docker, for `make up` and `make down`.
 *
 * usage: node scripts/compose.ts up [--trios 1|2] | down [--volumes]      both take [--folder FOLDER], default deploy/compose
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** With `depends_on.required` and `start_interval`. */
const OLDEST = [2, 20] as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    folder: { type: 'string', default: 'deploy/compose' },
    trios: { type: 'string', default: '1' },
    volumes: { type: 'boolean', default: false },
  },
});
const [command] = positionals;
const COMPOSE = ['compose', '--project-directory', values.folder];

/** The settings of an installation, with a secret of its own. */
function settings(secret: string): string {
  return `# Settings of the services in compose.yaml, made by \`make up\`. Keep this file to yourself.
S3_ACCESS_KEY=trikd
S3_SECRET_KEY=${secret}
# What is started besides the services: minio, traces, two-trios. TRIOS must agree: one-trio or two-trios.
COMPOSE_PROFILES=minio,traces
TRIOS=one-trio
# Folder with a folder for each dataset; without it, runs have synthetic data alone.
# DATASETS=/path/to/datasets
`;
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

function docker(args: readonly string[], env: Readonly<Record<string, string>> = {}): number {
  const { status } = spawnSync('docker', args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env } });
  return status ?? 1;
}

function checkCompose(): void {
  const { stdout, error, status } = spawnSync('docker', ['compose', 'version', '--short'], { encoding: 'utf8' });
  if (error) fail('docker is not on PATH: install Docker with Compose, or start everything without it: `trikd up`');
  const [, major = 0, minor = 0] = (/v?(\d+)\.(\d+)/.exec(status === 0 ? stdout : '') ?? []).map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    const found = status === 0 ? `it is ${stdout.trim()}` : 'docker has no command compose';
    fail(`Docker Compose ${OLDEST.join('.')} or newer is needed, and ${found}`);
  }
}

/** Builds the image unless there is one. */
function checkImage(): void {
  const name = process.env['TRIKD_IMAGE'] ?? 'trikd:latest';
  const { status } = spawnSync('docker', ['image', 'inspect', name], { stdio: 'ignore' });
  if (status === 0) return;
  console.log(`there is no image ${name}: building it, which takes minutes`);
  if (docker(['build', '--tag', name, '.']) !== 0)
    fail(`the image was not built; \`make image\` builds it without docker`);
}

function up(trios: string): void {
  checkCompose();
  checkImage();
  const file = join(resolve(ROOT, values.folder), '.env');
  if (!existsSync(file)) writeFileSync(file, settings(randomBytes(24).toString('hex')), { mode: 0o600 });
  const two = { TRIOS: 'two-trios', COMPOSE_PROFILES: 'minio,traces,two-trios' };
  if (docker([...COMPOSE, 'up', '--detach', '--wait'], trios === '2' ? two : {}) !== 0) {
    fail(`not everything is healthy: docker ${COMPOSE.join(' ')} logs`);
  }
  console.log(`dashboard    http://127.0.0.1:8080
traces       http://127.0.0.1:16686
next         docker ${COMPOSE.join(' ')} run --rm trikd run examples/tiny.yaml --server orchestrator:50051
             make down`);
}

if (command === 'up') up(values.trios);
else if (command === 'down') {
  checkCompose();
  // Of all profiles, whichever were started.
  process.exitCode = docker([...COMPOSE, '--profile', '*', 'down', ...(values.volumes ? ['--volumes'] : [])]);
} else fail('usage: node scripts/compose.ts up [--trios 1|2] | down [--volumes]');
