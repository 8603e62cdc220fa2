import { ROLES, type Role } from '@trikd/core/domain/position';
import { MOST_PAIRS } from '@trikd/core/run/state';
import { AdmissionLimits } from '@trikd/core/spec/admission';
import { ServiceSeconds as Seconds } from '@trikd/core/spec/fields';
import { Address } from '@trikd/process/address';
import { dataSettings } from '@trikd/process/data-settings';
import { LogConfig } from '@trikd/process/logging';
import { StoreConfig } from '@trikd/store/store-config';
import { TelemetryConfig } from '@trikd/telemetry/start-telemetry';
import { OidcConfig } from '@trikd/transport/access/oidc-config';
import { securitySettings } from '@trikd/transport/access/tls-config';
import { HttpLimits } from '@trikd/transport/http/http-limits';
import { endpointSettings } from '@trikd/transport/inference/endpoint-settings';
import { ServerLimits } from '@trikd/transport/limits/server-limits';
import { z } from 'zod';
import { LeaderLabelConfig } from './leadership/leader-label.js';
import type { QueueSettings } from './leadership/run-queue.js';
import { type KubernetesConfig, PlacementConfig } from './placement/placement-config.js';
import { NUMERICS_RULES } from './runs/duties/compare-numerics.js';

const HttpConfig = z
  .strictObject({
    listen: z
      .string()
      .regex(/^(|.+:\d+)$/, 'host:port, or nothing')
      .default('127.0.0.1:0')
      .describe('address of the dashboard, which speaks plain text; port 0: any; empty: none'),
    hosts: z.array(z.string()).default([]).describe('host names of the dashboard, besides localhost and IP addresses'),
    limits: HttpLimits.prefault({}),
    inference: Address.optional().describe(
      'gRPC address of an anchor-server that serves models, for the page to try them; default: none',
    ),
    page: z.string().optional().describe('folder of the built page; default: the one built with this service'),
  })
  .prefault({});

const Quota = z.int().nonnegative();

const QueueConfig = z
  .strictObject({
    quota: Quota.optional().describe('runs of an owner that may have a trio at once; default: any number'),
    quotas: z.record(z.string(), Quota).default({}).describe('other quotas, by team or subject'),
    preemption: z
      .enum(['never', 'lower-priority'])
      .default('never')
      .describe('whether a run takes the trio of a run with a lower priority'),
    maxQueuedPerOwner: z.int().positive().default(1000).describe('queued runs of an owner, at most'),
  })
  .prefault({});

/** Configuration of the orchestrator process. Durations are in seconds. */
export const OrchestratorConfig = z
  .strictObject({
    listen: Address.default('127.0.0.1:50050').describe('address of the gRPC server; port 0: any'),
    ...securitySettings,
    http: HttpConfig,
    store: StoreConfig,
    events: z.string().min(1).describe('folder that gets <run>/events.jsonl'),
    placement: PlacementConfig.optional().describe('where runs are trained'),
    teacher: Address.optional().describe('of the only trio, instead of `placement`: host:port of the teacher-trainer'),
    student: Address.optional().describe('of the only trio: host:port of the student-trainer'),
    anchor: Address.optional().describe('of the only trio: host:port of the anchor-server'),
    leaderLabel: LeaderLabelConfig.optional().describe(
      'the pod of the leader has the label `trikd.dev/leader: "true"`, for a Service that selects it; absent: no pod has it',
    ),
    queue: QueueConfig,
    keepCheckpoints: z
      .int()
      .positive()
      .max(MOST_PAIRS)
      .default(2)
      .describe('checkpoints of the current stage to keep, besides the last one of each stage and all best params'),
    numerics: z
      .enum(NUMERICS_RULES)
      .default('warn')
      .describe(
        'what a run does whose models compute otherwise than before, as on another kind of processor: go on with an alarm, or lose the attempt',
      ),
    retries: z.int().min(0).default(4).describe('attempts that may be lost in a row before a run fails'),
    times: z
      .strictObject({
        prepare: Seconds.default(600).describe(
          'for a trainer to read data and trace graphs, or for the anchor to be evaluated',
        ),
        answer: Seconds.default(10).describe('for all other calls'),
        lease: Seconds.default(5).describe('of silence of the leader, after which another orchestrator leads'),
        look: Seconds.default(1).describe('between two reads of what other orchestrators have stored'),
        probe: Seconds.default(2).describe('between two looks at the health of the trios'),
        steps: Seconds.default(3).describe('between two reads of step times'),
        patience: Seconds.default(20).describe(
          'without a connection to a service, before its attempt is lost and its trio is away',
        ),
        grace: Seconds.default(2).describe('for the second trainer to report after the first one has failed'),
        drain: Seconds.default(5).describe('for a drained run to reach a new pair'),
        firstRetry: Seconds.default(1).describe('pause before the first new attempt; doubles with each'),
        longestRetry: Seconds.default(30),
      })
      .prefault({}),
    ...dataSettings,
    ...endpointSettings,
    admission: AdmissionLimits,
    limits: ServerLimits.extend({
      watchersPerRun: z.int().positive().default(1024).describe('open event streams of one run, at most'),
    }).prefault({}),
    oidc: OidcConfig.optional().describe('OpenID provider, or a list of them; absent: people need no token'),
    audit: z
      .strictObject({
        file: z
          .string()
          .min(1)
          .optional()
          .describe('file that gets a line for each change and each refusal; default: the log'),
      })
      .prefault({}),
    telemetry: TelemetryConfig,
    log: LogConfig,
  })
  .superRefine(hasTrios);
export type OrchestratorConfig = z.infer<typeof OrchestratorConfig>;

type Trios = Pick<OrchestratorConfig, 'placement' | Role>;

function hasTrios(config: Trios, context: z.RefinementCtx): void {
  const given = ROLES.filter((role) => config[role] !== undefined);
  const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
  if (config.placement) for (const role of given) issue(role, 'not together with `placement`: name this trio there');
  else for (const role of ROLES) if (!given.includes(role)) issue(role, 'expected host:port, or trios in `placement`');
}

/** The placement of a configuration, whether it is written as such or as its only trio. */
export function placementOf({ placement, teacher = '', student = '', anchor = '' }: Trios): PlacementConfig {
  return placement ?? { kind: 'fixed', trios: [{ name: 'trio-1', teacher, student, anchor }] };
}

/** The addresses of services that an orchestrator connects to. Those of pods are not known before, and never on this machine. */
export function dialledIn(config: Trios & Pick<OrchestratorConfig, 'http'>): readonly string[] {
  const { inference } = config.http;
  const models = inference === undefined ? [] : [inference];
  const placement = placementOf(config);
  if (placement.kind === 'in-process') return models;
  if (placement.kind === 'jobset') return ['pods:50051', ...models];
  return [...placement.trios.flatMap(({ teacher, student, anchor }) => [teacher, student, anchor]), ...models];
}

/** How the orchestrator of a configuration reaches Kubernetes. */
export function kubernetesOf(config: Trios): KubernetesConfig {
  const placement = placementOf(config);
  return placement.kind === 'jobset' ? placement.kubernetes : {};
}

/** The rules of the queue of a configuration. */
export function queueOf({ queue }: Pick<OrchestratorConfig, 'queue'>): QueueSettings {
  const { quota, quotas, ...rest } = queue;
  const quotaOf = (owner: string) => (Object.hasOwn(quotas, owner) ? quotas[owner] : quota);
  return { ...rest, quotaOf };
}
