import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AdmissionLimits } from '@trikd/core/spec/admission-limits';
import { loadConfig } from '@trikd/process/config';
import { StoreConfig } from '@trikd/store/store-config';
import { z } from 'zod';
import { ownLimits } from '../own-limits.js';
import { RUNS } from '../run-folder.js';
import { storeInEnvironment } from '../run-store.js';
import { connectionOf } from '../server/ask.js';
import {
  dataFinding,
  engineFinding,
  nodeFinding,
  type ServiceAddress,
  serviceFindings,
  storeFinding,
} from './checks.js';
import type { DoctorOptions } from './command.js';
import type { Finding } from './finding.js';
import { specFinding } from './spec-finding.js';

/** The part of a service's configuration that is checked. */
const Config = z.looseObject({
  store: StoreConfig.optional(),
  anchor: z.string().optional(),
  teacher: z.string().optional(),
  student: z.string().optional(),
  admission: AdmissionLimits,
});

type Check = readonly [string, () => Promise<readonly Finding[]>];

/** Makes all checks. @param report called with the name of each check */
export async function examine(
  options: DoctorOptions,
  env: Readonly<Record<string, string | undefined>>,
  report: (what: string) => void,
): Promise<readonly Finding[]> {
  const { server, serverNamed, store, config: file } = options;
  const config = file === undefined ? { admission: ownLimits(env) } : loadConfig(Config, env, file);
  const inEnvironment = store === undefined ? storeInEnvironment(env) : undefined;
  const services: readonly ServiceAddress[] = [
    { name: 'orchestrator', address: server, named: serverNamed, connection: connectionOf(options, env) },
    ...[named('anchor-server', config.anchor), named('teacher-trainer', config.teacher)].flat(),
    ...named('student-trainer', config.student),
  ];
  const checks: readonly Check[] = [
    ['Node.js', async () => [nodeFinding(process.versions.node)]],
    ['engine', async () => [await engineFinding()]],
    ['data', async () => [await dataFinding()]],
    ...specChecks(options.file, config.admission),
    ['store', async () => [await storeAt(config.store ?? inEnvironment, store ?? RUNS)]],
    ...services.map((service) => [service.name, () => serviceFindings(service)] as const),
  ];
  const findings: Finding[] = [];
  for (const [what, look] of checks) {
    report(`${what} ...`);
    findings.push(...(await look()));
  }
  return findings;
}

function specChecks(file: string | undefined, limits: AdmissionLimits): readonly Check[] {
  return file === undefined ? [] : [['spec', async () => [specFinding(file, limits)]]];
}

function named(name: string, address: string | undefined): readonly ServiceAddress[] {
  return address === undefined ? [] : [{ name, address, named: true }];
}

/** Creates no folder, and leaves nothing in a folder of runs, which is not a store itself. */
async function storeAt(config: StoreConfig | undefined, folder: string): Promise<Finding> {
  const path = config?.kind === 'folder' ? config.path : resolve(folder);
  if (config?.kind !== 's3' && !existsSync(path)) {
    const verdict = config ? 'failed' : 'skipped';
    return { check: 'store', verdict, text: `there is no folder ${path}; \`trikd run\` creates one` };
  }
  const name = `doctor-${randomUUID()}`;
  if (config) return await storeFinding(config, name);
  const trial = join(path, name);
  return await storeFinding({ kind: 'folder', path: trial }, name).finally(() => rm(trial, FORCE));
}

const FORCE = { recursive: true, force: true };
