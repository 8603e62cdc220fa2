import { MOST_PAIRS } from '@trikd/core/run/state';
import { ServiceSeconds as Seconds } from '@trikd/core/spec/durations';
import { Address } from '@trikd/process/address';
import { LogConfig } from '@trikd/process/logging';
import { StoreConfig } from '@trikd/store/store-config';
import { TelemetryConfig } from '@trikd/telemetry/config';
import { z } from 'zod';

const HttpConfig = z
  .strictObject({
    listen: z
      .string()
      .regex(/^(|.+:\d+)$/, 'host:port, or nothing')
      .default('127.0.0.1:0')
      .describe('address of the dashboard, which asks nobody for a password; port 0: any; empty: none'),
    hosts: z
      .array(z.string())
      .default([])
      .describe('names, besides localhost and addresses, under which it may be asked'),
    page: z
      .string()
      .optional()
      .describe('folder of the built page; without it, the one that was built beside this service'),
  })
  .prefault({});

/** Configuration of the orchestrator process. Durations are in seconds. */
export const OrchestratorConfig = z.strictObject({
  listen: Address.default('0.0.0.0:50050').describe('address of the gRPC server; port 0: any'),
  http: HttpConfig,
  store: StoreConfig,
  events: z.string().min(1).describe('folder that gets <run>/events.jsonl'),
  teacher: Address.describe('host:port of the teacher-trainer; also what the student-trainer is told'),
  student: Address.describe('host:port of the student-trainer; also what the teacher-trainer is told'),
  anchor: Address.describe('host:port of the anchor-server; also what both trainers are told'),
  keepCheckpoints: z
    .int()
    .positive()
    .max(MOST_PAIRS)
    .default(2)
    .describe(
      'checkpoints of the current generation to keep; the last one of each generation and every best model are kept too',
    ),
  retries: z.int().min(0).default(4).describe('attempts that may be lost in a row before a run fails'),
  times: z
    .strictObject({
      prepare: Seconds.default(600).describe('for a trainer to read data and trace graphs, or the anchor to be scored'),
      answer: Seconds.default(10).describe('for all other calls'),
      lease: Seconds.default(5).describe(
        'of silence, after which another orchestrator takes the place of the one that leads',
      ),
      look: Seconds.default(1).describe('between two looks at the store for what other orchestrators have written'),
      steps: Seconds.default(3).describe('between two looks at where the time of steps went'),
      patience: Seconds.default(20).describe('without a connection to a trainer, before its attempt is lost'),
      grace: Seconds.default(2).describe('for the second trainer to say what the first one failed of'),
      drain: Seconds.default(5).describe('for a drained run to rest at a new pair'),
      firstRetry: Seconds.default(1).describe('pause before the first new attempt; doubles with each'),
      longestRetry: Seconds.default(30),
    })
    .prefault({}),
  telemetry: TelemetryConfig,
  log: LogConfig,
});
export type OrchestratorConfig = z.infer<typeof OrchestratorConfig>;
