import { once } from 'node:events';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Logger } from '@trikd/process/logging';
import { reach } from '@trikd/process/points';
import { createService, type ServiceOptions } from './create-service.js';

export interface ProcessOptions extends ServiceOptions {
  /** Aborted when the process is to end. */
  readonly shutdown: AbortSignal;
  /** Takes leave of whoever depends on the process, while it answers as ever. */
  readonly leave?: () => Promise<void>;
  /** Lets go of everything that runs beside the calls. */
  readonly stop?: () => Promise<void>;
  /** What is served beside the calls, from when they are answered until the process ends. Told where the service listens. */
  readonly beside?: (address: string) => Promise<Beside>;
  /** The IPC channel to the parent. Default: that of this process. */
  readonly parent?: Parent;
}

/** Something that listens beside the service. */
export interface Beside {
  /** Such as http://127.0.0.1:8080. */
  readonly url: string;
  close(): Promise<void>;
}

/** What a child process can tell the one that started it. */
export interface Parent {
  readonly connected: boolean;
  send?(message: ListeningMessage): boolean;
  disconnect?(): void;
}

/** What a service started as a child process tells its parent. */
export interface ListeningMessage {
  readonly type: 'listening';
  /** host:port. */
  readonly address: string;
  /** Of what is served beside it. */
  readonly url?: string;
}

/** Listens, says where, and ends in order when `shutdown` aborts: the story of a service process from here on. */
export async function runService(options: ProcessOptions): Promise<void> {
  const { log, shutdown, leave, parent = process } = options;
  const service = await orExit(log, createService(options));
  const { address } = service;
  const beside = options.beside && (await orExit(log, options.beside(address)));
  const where = { address, ...(beside && { url: beside.url }) };
  log.info({ ...where, services: Object.keys(options.services) }, 'listening');
  const message: ListeningMessage = { type: 'listening', ...where };
  if (parent.connected) parent.send?.(message);
  if (!shutdown.aborted) await once(shutdown, 'abort');
  reach('drain.begun');
  await leave?.();
  await Promise.all([service.close().then(() => beside?.close()), stopInTime(options)]);
  reach('drain.done');
  log.info('ended');
  // An IPC channel would keep the process alive.
  if (parent.connected) parent.disconnect?.();
}

/** What is wrong with an address is one sentence in the log, and the process ends. */
async function orExit<T>(log: Logger, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof TrikdError)) throw error;
    log.fatal(error.message);
    process.exit(1);
  }
}

/** Longer than `drainSeconds`: a step of a large model, or a checkpoint on its way, may be in hand. */
const STOP_SECONDS = 20;

async function stopInTime({ stop, log }: ProcessOptions): Promise<void> {
  if (!stop) return;
  const late = setTimeout(() => {
    log.error({ seconds: STOP_SECONDS }, 'work in hand did not end in time');
    process.exit(1);
  }, STOP_SECONDS * 1000);
  try {
    await stop();
  } finally {
    clearTimeout(late);
  }
}
