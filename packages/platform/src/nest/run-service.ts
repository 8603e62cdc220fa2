import { once } from 'node:events';
import { reach } from '../points.js';
import { createService, type ServiceOptions } from './create-service.js';

export interface ProcessOptions extends ServiceOptions {
  /** Aborted when the process is to end. */
  readonly shutdown: AbortSignal;
  /** Takes leave of whoever depends on the process, while it answers as ever. */
  readonly leave?: () => Promise<void>;
  /** Lets go of everything that runs beside the calls. */
  readonly stop?: () => Promise<void>;
  /** The IPC channel to the parent. Default: that of this process. */
  readonly parent?: Parent;
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
}

/** Listens, says where, and ends in order when `shutdown` aborts: the story of a service process from here on. */
export async function runService(options: ProcessOptions): Promise<void> {
  const { log, shutdown, leave, parent = process } = options;
  const service = await createService(options);
  const { address } = service;
  log.info({ address, services: Object.keys(options.services) }, 'listening');
  const message: ListeningMessage = { type: 'listening', address };
  if (parent.connected) parent.send?.(message);
  if (!shutdown.aborted) await once(shutdown, 'abort');
  reach('drain.begun');
  await leave?.();
  await Promise.all([service.close(), stopInTime(options)]);
  reach('drain.done');
  log.info('ended');
  // An IPC channel would keep the process alive.
  if (parent.connected) parent.disconnect?.();
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
