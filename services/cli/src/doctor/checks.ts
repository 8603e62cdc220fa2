import { TrikdError } from '@trikd/core/domain/errors';
import { messageOf } from '@trikd/core/domain/message-of';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { idxFolderAmong } from '@trikd/model-host/data/idx-folder';
import { dataFolders, quietTensorFlow } from '@trikd/process/environment';
import { openStore } from '@trikd/store/open-store';
import type { StoreConfig } from '@trikd/store/store-config';
import { checkHealth } from '@trikd/transport/grpc/check-health';
import type { UserConnection } from '@trikd/transport/grpc/open-user-client';
import type { Finding } from './finding.js';

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
export async function engineFinding(): Promise<Finding> {
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

export async function dataFinding(): Promise<Finding> {
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
export interface ServiceAddress {
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
