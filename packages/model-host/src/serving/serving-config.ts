import { PairManifest } from '@trikd/core/checkpoint/manifest';
import { ServiceSeconds as Seconds } from '@trikd/core/spec/fields';
import { Address } from '@trikd/process/address';
import { OidcConfig } from '@trikd/transport/access/oidc-config';
import { HttpLimits } from '@trikd/transport/http/http-limits';
import { ServerLimits } from '@trikd/transport/limits/server-limits';
import { z } from 'zod';

/** Runs that one process serves, at most. */
const MOST_RUNS = 64;
/** Rows of a batch, at most. */
const MOST_ROWS = 1024;
/** Batches of one model at once, at most: each takes memory for what it computes. */
export const MOST_LANES = 64;
/** Calls that wait for models, unlike those that give orders, are many. */
const OF_CALLS = {
  callsPerCaller: z
    .int()
    .positive()
    .default(1024)
    .describe(ServerLimits.shape.callsPerCaller.description ?? ''),
  callsPerSecond: z
    .number()
    .positive()
    .default(20_000)
    .describe(ServerLimits.shape.callsPerSecond.description ?? ''),
};

/** Models of runs that a process serves by the Open Inference Protocol. */
export const ServingConfig = z
  .strictObject({
    runs: z
      .array(PairManifest.shape.runId)
      .min(1)
      .max(MOST_RUNS)
      .describe('names of the runs whose models are served; a run that does not exist yet is waited for'),
    alone: z
      .boolean()
      .default(false)
      .describe('whether the process serves models and nothing else: it then holds no frozen model for a run'),
    listen: Address.default('127.0.0.1:50055').describe('address of the gRPC server of the models; port 0: any'),
    http: z
      .string()
      .regex(/^(|.+:\d+)$/, 'host:port, or nothing')
      .default('127.0.0.1:50056')
      .describe('address of the same in HTTP and JSON, which speaks plain text; port 0: any; empty: none'),
    hosts: z
      .array(z.string())
      .default([])
      .describe('host names of the HTTP server, besides localhost and IP addresses'),
    maxBatch: z.int().positive().max(MOST_ROWS).default(32).describe('rows that are computed together, at most'),
    delay: z
      .number()
      .min(0)
      .max(10)
      .default(0)
      .describe(
        'seconds that rows wait for others while nothing is computed; those that come meanwhile wait in any case',
      ),
    concurrency: z
      .int()
      .positive()
      .max(MOST_LANES)
      .optional()
      .describe(
        `batches of a model that are computed at once; default: engine.threads of the run, at most ${MOST_LANES}`,
      ),
    requestRows: z.int().positive().max(65_536).default(256).describe('rows of a request, at most'),
    queueRows: z.int().positive().max(1_000_000).default(1024).describe('rows of a model that wait, at most'),
    requests: z.int().positive().max(100_000).default(2048).describe('requests that wait for outputs, at most'),
    pinnedVersions: z
      .int()
      .positive()
      .max(64)
      .default(2)
      .describe(
        'versions of a run besides the current one of its result that are loaded at once; the least recently used one makes room',
      ),
    poll: Seconds.default(2).describe('between two looks at what the run has promoted'),
    oidc: OidcConfig.optional().describe(
      'OpenID provider, or a list of them, whose tokens people show; absent: over gRPC they show certificates, over HTTP nothing',
    ),
    limits: ServerLimits.extend({
      ...OF_CALLS,
      burst: z
        .int()
        .positive()
        .default(20_000)
        .describe(ServerLimits.shape.burst.description ?? ''),
      requestBytes: z
        .int()
        .min(1024)
        .max(256 * 1024 * 1024)
        .default(16 * 1024 * 1024)
        .describe('largest request, over gRPC and HTTP'),
    }).prefault({}),
    httpLimits: HttpLimits.extend({
      ...OF_CALLS,
      burst: z
        .int()
        .positive()
        .default(20_000)
        .describe(HttpLimits.shape.burst.description ?? ''),
    }).prefault({}),
  })
  .refine(({ requestRows, queueRows }) => requestRows <= queueRows, {
    path: ['queueRows'],
    message: 'expected at least requestRows: a request that cannot wait is never answered',
  });
export type ServingConfig = z.infer<typeof ServingConfig>;
