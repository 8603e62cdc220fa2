import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { AdmissionLimits, assertAdmitted, costsOf, ownAdmission } from '@trikd/core/spec/admission';
import { isStored } from '@trikd/core/spec/data-spec';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { idxFolderAmong } from '@trikd/model-host/data/idx-folder';
import { loadConfig } from '@trikd/process/config';
import { dataFolders, quietTensorFlow } from '@trikd/process/environment';
import { openStore } from '@trikd/store/open-store';
import { StoreConfig } from '@trikd/store/store-config';
import { checkHealth } from '@trikd/transport/grpc/check-health';
import type { UserConnection } from '@trikd/transport/grpc/open-user-client';
import Table from 'cli-table3';
import { z } from 'zod';
import { loadSpec } from '../../options/load-spec.js';
import { ownLimits } from '../../run/data-limits.js';
import { RUNS } from '../../run/run-folder.js';
import { storeInEnvironment } from '../../run/run-store.js';
import { connectionOf } from '../../server/ask.js';
import type { Colour, Paint } from '../../terminal/paint.js';
import type { DoctorOptions } from './command.js';

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

/** The oldest Node.js that runs the services. */
const OLDEST_NODE = [22, 15] as const;

/** @param version such as 24.21.0 */
export function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [least, leastMinor] = OLDEST_NODE;
  const fits = major > least || (major === least && minor >= leastMinor);
  const remedy = fits ? '' : `; ${OLDEST_NODE.join('.')} or newer is required, and \`make setup\` fetches one`;
  return { check: 'Node.js', verdict: fits ? 'ok' : 'failed', text: `${version}${remedy}` };
}

/** Loads the addon and TensorFlow, and lists the devices. */
async function engineFinding(): Promise<Finding> {
  const check = 'engine';
  try {
    quietTensorFlow();
    const { Engine } = await import('@trikd/engine');
    const { devices } = await Engine.open({ device: 'cpu', threads: 1, xla: false, precision: 'float32' });
    return { check, verdict: 'ok', text: `computes on ${devices.map(({ type }) => type).join(', ')}` };
  } catch (error) {
    return { check, verdict: 'failed', text: messageOf(error) };
  }
}

async function dataFinding(): Promise<Finding> {
  const folders = dataFolders();
  const found = await idxFolderAmong(folders);
  if (found !== undefined) return { check: 'data', verdict: 'ok', text: found };
  const text = `no data in ${folders.join(', ')}; \`make data\` fetches Fashion-MNIST, synthetic data needs no files`;
  return { check: 'data', verdict: 'warning', text };
}

/** Writers that race for one object. */
const WRITERS = 16;

/** Checks that one of many concurrent writers wins, as checkpoints need it. @param name unique part of a key */
export async function storeFinding(config: StoreConfig, name: string): Promise<Finding> {
  const check = 'store';
  const place = config.kind === 'folder' ? config.path : `${config.endpoint}/${config.bucket}`;
  try {
    const won = await raceOn(await openStore(config), `probe/${name}`);
    if (won === 1) return { check, verdict: 'ok', text: `${place}: one of ${WRITERS} concurrent writers wins` };
    return {
      check,
      verdict: 'failed',
      text: `${place}: ${won} of ${WRITERS} concurrent writers win; checkpoints are not safe there`,
    };
  } catch (error) {
    return { check, verdict: 'failed', text: sentenceOf(error) };
  }
}

async function raceOn(store: ObjectStore, key: string): Promise<number> {
  try {
    const bytes = new TextEncoder().encode(key);
    const outcomes = await Promise.all(Array.from({ length: WRITERS }, () => store.create(key, bytes)));
    return outcomes.filter((outcome) => outcome === 'created').length;
  } finally {
    await store.remove(key);
  }
}

/** A service to check. */
interface ServiceAddress {
  readonly name: string;
  readonly address: string;
  /** Whether the user named the address: a service at its default address may be absent. */
  readonly named: boolean;
  /** How this user calls it. Absent: as services call each other. */
  readonly connection?: UserConnection;
}

/** Seconds. */
const PATIENCE = 5;
/** Between two clocks, in milliseconds. People compare times in the logs of several machines. */
const LARGEST_OFFSET = 2000;

/** Checks the health of a service and its clock. */
export async function serviceFindings({
  name,
  address,
  named,
  connection,
}: ServiceAddress): Promise<readonly Finding[]> {
  const check = `${name} at ${address}`;
  try {
    const { serving, clockOffset, roundTrip } = await checkHealth(address, PATIENCE, connection);
    const answered = `answers in ${roundTrip} ms`;
    const health: Finding = serving
      ? { check, verdict: 'ok', text: answered }
      : { check, verdict: 'failed', text: `${answered} but does not serve: it is starting or shutting down` };
    return clockOffset === undefined ? [health] : [health, clockFinding(name, clockOffset)];
  } catch (error) {
    const text = named ? sentenceOf(error) : 'no answer; TRIKD_SERVER or --server names another address';
    return [{ check, verdict: named ? 'failed' : 'skipped', text }];
  }
}

/** @param offset milliseconds that a clock is ahead of this machine's */
export function clockFinding(name: string, offset: number): Finding {
  const check = `clock of the ${name}`;
  const seconds = (Math.abs(offset) / 1000).toFixed(1);
  if (Math.abs(offset) <= LARGEST_OFFSET)
    return { check, verdict: 'ok', text: `within ${LARGEST_OFFSET / 1000} s of this machine` };
  const text = `${seconds} s ${offset > 0 ? 'ahead of' : 'behind'} this machine: times in logs mislead; training is not affected`;
  return { check, verdict: 'warning', text };
}

function sentenceOf(error: unknown): string {
  if (error instanceof TrikdError) return error.message;
  throw error;
}

/** Whether a file is the spec of a run within the limits, and what the run needs. */
export function specFinding(file: string, limits: AdmissionLimits): Finding {
  const check = 'spec';
  try {
    const spec = loadSpec(file, []);
    assertAdmitted(spec, ownAdmission(limits));
    return { check, verdict: 'ok', text: needsOf(spec) };
  } catch (error) {
    if (error instanceof TrikdError) return { check, verdict: 'failed', text: error.message };
    throw error;
  }
}

/** `run tiny: student 1240 params, teacher 4660 params; 512 bytes a frame`. Data in files are not read: their size counts with the least. */
function needsOf(spec: RunSpec): string {
  const costs = costsOf(spec);
  const of = (limit: keyof AdmissionLimits) => costs.find((cost) => cost.limit === limit)?.value;
  const least = isStored(spec.data) ? 'at least ' : '';
  const models = costs
    .filter(({ limit }) => limit === 'params')
    .map(({ field, value }) => `${field.replace(/\.model$/, '')} ${least}${value} params`);
  return `run ${spec.name}: ${models.join(', ')}; ${least}${of('frameBytes')} bytes a frame, ${least}${of('datasetImages')} images`;
}

/** Result of a check: `skipped` when there is nothing to check, `warning` when it may be intended. */
export type Verdict = 'ok' | 'warning' | 'failed' | 'skipped';

/** A check and its result. */
interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  /** What was found, and what to do about it. */
  readonly text: string;
}

const COLOURS: Readonly<Record<Verdict, Colour>> = { ok: 'green', warning: 'yellow', failed: 'red', skipped: 'dim' };

/** All findings, for people. */
export function findingsText(findings: readonly Finding[], paint: Paint): string {
  const table = new Table({ head: ['check', '', 'found'], style: { head: [], border: [], compact: true } });
  for (const { check, verdict, text } of findings) table.push([check, paint(COLOURS[verdict], verdict), text]);
  const count = (wanted: Verdict) => findings.filter(({ verdict }) => verdict === wanted).length;
  return `${table.toString()}\n${count('ok')} ok, ${count('warning')} warnings, ${count('failed')} failed`;
}
