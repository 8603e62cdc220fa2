import { TrikdError } from '@trikd/core/domain/errors';
import { GRPCInferenceServiceService } from '@trikd/protocol/gen/node/inference/inference';
import { AnchorServiceService } from '@trikd/protocol/gen/node/trikd/v1/anchor';
import { ExchangeServiceService } from '@trikd/protocol/gen/node/trikd/v1/exchange';
import { ReplicaServiceService } from '@trikd/protocol/gen/node/trikd/v1/replica';
import { RunServiceService } from '@trikd/protocol/gen/node/trikd/v1/run';
import { TimingServiceService } from '@trikd/protocol/gen/node/trikd/v1/timing';
import { TrainerServiceService } from '@trikd/protocol/gen/node/trikd/v1/trainer';
import type { Caller, Role, Verb } from './caller.js';

/** Who may call a method. Anonymous callers may call every one: they exist only where plain text was chosen. */
export type Rule =
  | { readonly services: readonly Role[]; readonly verb?: Verb }
  /** Every service and every person. */
  | 'everybody'
  /** Anonymous callers alone. */
  | 'plain-text';

const orchestrator: Rule = { services: ['orchestrator'] };
const trainers: Rule = { services: ['teacher-trainer', 'student-trainer'] };
/** The orchestrator calls its own RunService for the dashboard. */
const people = (verb: Verb): Rule => ({ services: ['orchestrator'], verb });

/** Outputs of models that an operator has chosen to serve. A frozen model of a run may be one of another server. */
const inference: Rule = { services: ['orchestrator', 'anchor-server'], verb: 'view' };

type Methods<Definition> = Readonly<Record<keyof Definition, Rule>>;

// A method that is added to the protocol does not compile until it has a rule.
const TRAINER: Methods<TrainerServiceService> = {
  assign: orchestrator,
  setLimit: orchestrator,
  saveAt: orchestrator,
  getTrainer: orchestrator,
  watchTrainer: orchestrator,
};
const ANCHOR: Methods<AnchorServiceService> = { loadAnchor: orchestrator, getAnchor: orchestrator };
const TIMING: Methods<TimingServiceService> = { readSteps: orchestrator, traceSteps: orchestrator };
const EXCHANGE: Methods<ExchangeServiceService> = { streamLogits: trainers };
const REPLICA: Methods<ReplicaServiceService> = { trainReplica: trainers };
const INFERENCE: Methods<GRPCInferenceServiceService> = {
  serverLive: 'everybody',
  serverReady: 'everybody',
  modelReady: inference,
  serverMetadata: inference,
  modelMetadata: inference,
  modelInfer: inference,
  modelStreamInfer: inference,
  repositoryIndex: inference,
};
const RUN: Methods<RunServiceService> = {
  createRun: people('steer'),
  getRun: people('view'),
  listRuns: people('view'),
  watchRun: people('view'),
  triggerGeneration: people('steer'),
  pauseRun: people('steer'),
  resumeRun: people('steer'),
  cancelRun: people('steer'),
  promoteGeneration: people('steer'),
  rollbackAnchor: people('steer'),
  tagRun: people('steer'),
  deleteRun: people('delete'),
  listCheckpoints: people('view'),
  readBlob: people('view'),
  getCaller: 'everybody',
};

/** The rule of each method by its path. A method without one is refused. */
export const POLICY: ReadonlyMap<string, Rule> = new Map([
  ...rulesOf(TrainerServiceService, TRAINER),
  ...rulesOf(AnchorServiceService, ANCHOR),
  ...rulesOf(TimingServiceService, TIMING),
  ...rulesOf(ExchangeServiceService, EXCHANGE),
  ...rulesOf(ReplicaServiceService, REPLICA),
  ...rulesOf(RunServiceService, RUN),
  ...rulesOf(GRPCInferenceServiceService, INFERENCE),
  ['/grpc.health.v1.Health/Check', 'everybody'],
  ['/grpc.health.v1.Health/List', 'everybody'],
  ['/grpc.health.v1.Health/Watch', 'everybody'],
  ['/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', 'plain-text'],
  ['/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo', 'plain-text'],
]);

function rulesOf<Name extends string>(
  definition: Readonly<Record<Name, { readonly path: string }>>,
  rules: Readonly<Record<Name, Rule>>,
): [string, Rule][] {
  return Object.entries<{ readonly path: string }>(definition).map(([name, { path }]) => [path, rules[name as Name]]);
}

/**
 * Refuses a caller that may not call a method. @param caller undefined: has shown no valid credentials
 * @throws TrikdError 'unauthenticated' or 'forbidden', which names the method and what it requires
 */
export function assertAllowed(path: string, caller: Caller | undefined): asserts caller is Caller {
  const rule = POLICY.get(path);
  if (caller && isAllowed(rule, caller)) return;
  const message = `${path.slice(1)} requires ${requirementOf(rule)}`;
  if (!caller) throw new TrikdError('unauthenticated', `${message}, and this caller has shown no valid one`);
  throw new TrikdError('forbidden', `${message}; this caller is ${nameOf(caller)}`);
}

/** Whether a method changes runs. */
export function changesRuns(path: string): boolean {
  const rule = POLICY.get(path);
  return typeof rule === 'object' && (rule.verb === 'steer' || rule.verb === 'delete');
}

function isAllowed(rule: Rule | undefined, caller: Caller): boolean {
  if (rule === undefined) return false;
  if (caller.kind === 'anonymous') return true;
  if (rule === 'plain-text') return false;
  if (rule === 'everybody') return true;
  if (caller.kind === 'service') return rule.services.includes(caller.role);
  return rule.verb !== undefined && caller.verbs.includes(rule.verb);
}

function requirementOf(rule: Rule | undefined): string {
  if (rule === undefined) return 'a rule, which it does not have';
  if (rule === 'plain-text') return 'a server without TLS';
  if (rule === 'everybody') return 'a certificate of the trust domain';
  const services = `the certificate of ${rule.services.map((role) => `the ${role}`).join(' or ')}`;
  return rule.verb === undefined ? services : `a person with the verb ${rule.verb}, or ${services}`;
}

function nameOf(caller: Caller): string {
  if (caller.kind === 'anonymous') return 'anonymous';
  if (caller.kind === 'service') return `the ${caller.role}`;
  return `${caller.subject} with the verbs ${caller.verbs.join(', ') || '(none)'}`;
}
