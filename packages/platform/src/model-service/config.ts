import { z } from 'zod';
import { LogConfig } from '../logging.js';

/** Configuration of a model service: the anchor-server or one of the trainers. @param listen where it listens by default */
export function modelServiceConfig(listen: string) {
  return z.strictObject({
    listen: z.string().min(1).default(listen).describe('address of the gRPC server; port 0: any that is free'),
    store: z
      .strictObject({
        kind: z.literal('folder').default('folder'),
        path: z.string().min(1).describe('folder of the object store; the same for all services of a run'),
      })
      .describe('where checkpoints are'),
    drainSeconds: z.number().min(0).default(5).describe('for calls in hand when the process is asked to end'),
    log: LogConfig,
  });
}
