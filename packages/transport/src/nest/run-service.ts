import { once } from 'node:events';
import { faultPoint } from '@trikd/process/fault-points';
import type { Logger } from '@trikd/process/logging';
import { exitOn } from '@trikd/process/shutdown';
import { createService, type ServiceOptions } from './create-service.js';

export interface ProcessOptions extends ServiceOptions {
  /** Aborts when the process is asked to exit. */
  readonly shutdown: AbortSignal;
  /** Hands over to the clients of the process, which is still serving. */
  readonly leave?: () => Promise<void>;
  /** Ends everything that runs in the background. */
  readonly stop?: () => Promise<void>;
  /** Starts a second server in the process, which runs until the process exits. Called with the address of the first. */
  readonly sidecar?: (address: string) => Promise<Sidecar>;
  /** The IPC channel to the parent process. Default: that of this process. */
  readonly parent?: Parent;
}

/** A server that runs beside the service in its process. */
export interface Sidecar {
  /** Such as http://127.0.0.1:8080. */
  readonly url: string;
  close(): Promise<void>;
}

/** The IPC channel of a child process. */
export interface Parent {
  readonly connected: boolean;
  send?(message: ListeningMessage): boolean;
  disconnect?(): void;
}

/** Sent to the parent process when the service listens. */
export interface ListeningMessage {
  readonly type: 'listening';
  /** host:port. */
  readonly address: string;
  /** URL of the sidecar. */
  readonly url?: string;
}

/** Runs a service until `shutdown` aborts, then ends it in order. */
export async function runService(options: ProcessOptions): Promise<void> {
  const { log, shutdown, leave, parent = process } = options;
  const service = await orExit(log, createService(options));
  const { address, healthAddress } = service;
  const sidecar = options.sidecar && (await orExit(log, options.sidecar(address)));
  const addresses = { address, ...(sidecar && { url: sidecar.url }) };
  log.info(
    { ...addresses, ...(healthAddress && { healthAddress }), services: Object.keys(options.services) },
    'listening',
  );
  const message: ListeningMessage = { type: 'listening', ...addresses };
  if (parent.connected) parent.send?.(message);
  if (!shutdown.aborted) await once(shutdown, 'abort');
  service.retire();
  faultPoint('drain.started');
  await leave?.();
  await Promise.all([service.close().then(() => sidecar?.close()), stopInTime(options)]);
  faultPoint('drain.done');
  log.info('ended');
  // An open IPC channel would keep the process alive.
  if (parent.connected) parent.disconnect?.();
}

/** Logs a TrikdError, such as an address in use, and exits. */
async function orExit<T>(log: Logger, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    exitOn(error, log);
  }
}

/** More than `drainSeconds`: `stop` may wait for a step of a large model, or for a checkpoint to be stored. */
const STOP_SECONDS = 20;

async function stopInTime({ stop, log }: ProcessOptions): Promise<void> {
  if (!stop) return;
  const late = setTimeout(() => {
    log.error({ seconds: STOP_SECONDS }, 'background work did not end in time');
    process.exit(1);
  }, STOP_SECONDS * 1000);
  try {
    await stop();
  } finally {
    clearTimeout(late);
  }
}
