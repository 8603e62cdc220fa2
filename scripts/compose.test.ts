import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modelServiceConfig } from '@trikd/model-host/config';
import { loadConfig } from '@trikd/process/config';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { dialledIn, OrchestratorConfig } from '../services/orchestrator/src/config.ts';

const FOLDER = fileURLToPath(new URL('../deploy/compose/', import.meta.url));

const Service = z.looseObject({
  image: z.string(),
  read_only: z.boolean().optional(),
  cap_drop: z.string().array().optional(),
  security_opt: z.string().array().optional(),
  entrypoint: z.string().array().optional(),
  command: z.string().array().optional(),
  ports: z.string().array().default([]),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.string().array().default([]),
  profiles: z.string().array().default([]),
});
const { services, volumes } = z
  .object({ services: z.record(z.string(), Service), volumes: z.record(z.string(), z.unknown()) })
  .parse(parse(readFileSync(`${FOLDER}compose.yaml`, 'utf8'), { merge: true }));

/** Variables filled with their defaults, required ones with a text. */
const filled = (text: string) =>
  text.replace(/\$\{\w+(?:(:-|:\?)([^}]*))?\}/g, (_, kind, word) => (kind === ':-' ? word : 'given'));
const environmentOf = (name: string) =>
  Object.fromEntries(Object.entries(services[name]!.environment).map(([key, value]) => [key, filled(value)]));

describe('the services of deploy/compose', () => {
  test('have a read-only root and no rights', () => {
    for (const [name, service] of Object.entries(services)) {
      expect(service, name).toMatchObject({
        ...{ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] },
      });
    }
  });

  test('publish ports on the loopback interface alone', () => {
    const ports = Object.values(services).flatMap((service) => service.ports);
    expect(ports).toHaveLength(3);
    for (const port of ports) expect(filled(port)).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  test('mount files that there are, and volumes that are declared', () => {
    const sources = Object.values(services).flatMap((service) =>
      service.volumes.map((each) => filled(each).split(':')[0]!),
    );
    for (const source of sources) {
      const isFile = source.startsWith('.');
      expect(isFile ? existsSync(join(FOLDER, source)) : source in volumes, source).toBe(true);
    }
  });

  test.each(['anchor', 'teacher', 'student', 'anchor-2', 'teacher-2', 'student-2'])(
    'the configuration of %s is valid, with TLS and an address for health checks',
    (name) => {
      const config = loadConfig(modelServiceConfig('teacher'), environmentOf(name));
      expect(config.tls?.cert).toBe('/etc/trikd/tls/tls.crt');
      expect(config.health?.listen).toBe('127.0.0.1:50052');
    },
  );

  test.each([
    ['one-trio', ['anchor', 'student', 'teacher']],
    ['two-trios', ['anchor', 'anchor-2', 'student', 'student-2', 'teacher', 'teacher-2']],
  ])('the orchestrator of %s uses the model services that are there', (file, names) => {
    const env = { ...environmentOf('orchestrator'), TRIKD_CONFIG: undefined };
    const config = loadConfig(OrchestratorConfig, env, `${FOLDER}${file}.yaml`);
    const addresses = dialledIn(config);
    expect(addresses.map((address) => address.replace(/:50051$/, '')).sort()).toEqual(names);
    expect(names.filter((name) => !(name in services))).toEqual([]);
  });
});

describe('make up', () => {
  let scratch: string;
  beforeEach(() => {
    scratch = mkdtempSync(join(tmpdir(), 'trikd-compose-'));
  });
  afterEach(() => rmSync(scratch, { recursive: true }));

  /** Runs the script with a docker that writes down what it is called with. */
  function compose(version: string, ...args: readonly string[]) {
    const bin = join(scratch, 'bin');
    mkdirSync(bin, { recursive: true });
    const answer = version === '' ? 'exit 1' : `echo ${version}; exit 0`;
    const program = `#!/bin/sh\n[ "$1 $2" = "compose version" ] && { ${answer}; }\necho "$* $TRIOS" >> ${scratch}/calls\n`;
    writeFileSync(join(bin, 'docker'), program, { mode: 0o755 });
    const script = fileURLToPath(new URL('compose.ts', import.meta.url));
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args, '--folder', scratch], {
      encoding: 'utf8',
      env: { PATH: `${bin}:/usr/bin:/bin` },
    });
    const calls = existsSync(`${scratch}/calls`) ? readFileSync(`${scratch}/calls`, 'utf8').trim().split('\n') : [];
    return { status, stdout, stderr, calls };
  }

  test.each([
    ['', 'docker has no command compose'],
    ['v2.19.1', 'it is v2.19.1'],
  ])('with Compose %j ends with what is needed', (version, found) => {
    const { status, stderr, calls } = compose(version, 'up');
    expect({ status, stderr, calls }).toEqual({
      ...{ status: 1, calls: [], stderr: `Docker Compose 2.20 or newer is needed, and ${found}\n` },
    });
  });

  test('makes settings with a secret that only their owner reads, keeps them, and says what comes next', () => {
    const first = compose('v2.40.3', 'up');
    expect(first).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('run --rm trikd run examples/tiny.yaml'),
    });
    const settings = readFileSync(join(scratch, '.env'), 'utf8');
    expect(settings).toMatch(/^S3_SECRET_KEY=[0-9a-f]{48}$/m);
    expect(statSync(join(scratch, '.env')).mode & 0o777).toBe(0o600);
    expect(first.calls.at(-1)).toBe(`compose --project-directory ${scratch} up --detach --wait`);
    compose('v2.40.3', 'up');
    expect(readFileSync(join(scratch, '.env'), 'utf8')).toBe(settings);
  });

  test('with two trios starts both, and make down ends whatever was started', () => {
    expect(compose('2.40.3', 'up', '--trios', '2').calls.at(-1)).toMatch(/ up --detach --wait two-trios$/);
    expect(compose('2.40.3', 'down').calls.at(-1)).toMatch(/ --profile \* down$/);
  });
});
