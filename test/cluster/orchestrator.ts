/** RunService of the cluster, called from outside: grpcurl, a token, and a port that kubectl forwards. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { canonicalJson } from '@trikd/core/domain/canonical-json';
import { RunSpec } from '@trikd/core/spec/run-spec';
import type { Run } from '@trikd/protocol/gen/node/trikd/v1/run';
import { ConditionStatus, Run as RunMessage, RunPhase, runPhaseToJSON } from '@trikd/protocol/gen/node/trikd/v1/run';
import { NAMESPACE, PEOPLE, type Person } from '@trikd/testing/kubernetes/installation';
import { type Forward, forward } from '@trikd/testing/kubernetes/port-forward';
import { goTool } from '@trikd/testing/servers/go-tool';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { facts, kubectl } from './kubernetes.js';

const PROTOS = fileURLToPath(new URL('../../proto', import.meta.url));
const POLL_MS = 500;
/** For an orchestrator to answer. */
const PATIENCE_SECONDS = 60;
/** Answers that a repetition does not change. */
const REFUSAL = /Code: (InvalidArgument|PermissionDenied|Unauthenticated|AlreadyExists|NotFound)/;
const tokens = new Map<Person, Promise<string>>();
/** Who created a run: other people do not see it. */
const owners = new Map<string, Person>();
let open: Promise<Forward> | undefined;

/** A token of a person's ServiceAccount, signed by the API server for trikd. */
function tokenOf(person: Person): Promise<string> {
  const create = ['create', 'token', person, `--namespace=${PEOPLE}`, '--audience=trikd', '--duration=4h'];
  const token = tokens.get(person) ?? kubectl(...create).then((text) => text.trim());
  tokens.set(person, token);
  return token;
}

/** Calls a method. @throws with what grpcurl says */
async function call(method: string, request: object, person: Person): Promise<unknown> {
  const { stdout } = await promisify(execFile)(goTool('grpcurl'), [
    '-cacert',
    join(facts().certs, 'ca.crt'),
    '-import-path',
    PROTOS,
    '-proto',
    'trikd/v1/run.proto',
    '-H',
    `authorization: Bearer ${await tokenOf(person)}`,
    '-max-time',
    '20',
    '-d',
    JSON.stringify(request),
    `localhost:${await port()}`,
    `trikd.v1.RunService/${method}`,
  ]);
  return JSON.parse(stdout);
}

/** The same, again and again while no orchestrator answers. */
async function ask(method: string, request: object, person: Person = 'ada'): Promise<unknown> {
  const last = performance.now() + 1000 * PATIENCE_SECONDS;
  for (;;) {
    try {
      return await call(method, request, person);
    } catch (error) {
      if (performance.now() > last || REFUSAL.test(`${error}`)) throw error;
      await closePort();
      await delay(POLL_MS);
    }
  }
}

async function port(): Promise<number> {
  open ??= forward(facts().kubeconfig, NAMESPACE, 'service/trikd-orchestrator', 50051);
  open.then(
    ({ ended }) => void ended.then(() => (open = undefined)),
    () => (open = undefined),
  );
  return (await open).port;
}

/** Closes the forwarded port: that of a pod which is gone answers nothing. */
async function closePort(): Promise<void> {
  const forwarded = await open?.catch(() => undefined);
  open = undefined;
  forwarded?.close();
}

/** Creates a run. */
export async function createRun(spec: WrittenSpec, placement: object = {}, person: Person = 'ada'): Promise<void> {
  const request = { spec: canonicalJson(RunSpec.parse(spec)), requestId: `create ${spec.name}`, placement };
  owners.set(spec.name, person);
  await ask('CreateRun', request, person);
}

export async function getRun(runId: string): Promise<Run> {
  const answer = await ask('GetRun', { runId }, owners.get(runId));
  return RunMessage.fromJSON((answer as { readonly run: unknown }).run);
}

const ENDED: readonly RunPhase[] = [
  RunPhase.RUN_PHASE_COMPLETED,
  RunPhase.RUN_PHASE_FAILED,
  RunPhase.RUN_PHASE_CANCELLED,
];

/** Asks until the run is as expected. @throws when it ends otherwise, or when the time is over */
export async function until(runId: string, fits: (run: Run) => boolean, seconds = 300): Promise<Run> {
  const last = performance.now() + 1000 * seconds;
  for (;;) {
    const run = await getRun(runId);
    if (fits(run)) return run;
    if (ENDED.includes(run.phase)) throw new Error(`it has ended: ${described(run)}`);
    if (performance.now() > last) throw new Error(`after ${seconds} s it is still not as expected: ${described(run)}`);
    await delay(POLL_MS);
  }
}

function described({ runId, phase, stage, attempt, failure, progress, conditions }: Run): string {
  const holding = conditions.filter(({ status }) => status === ConditionStatus.CONDITION_STATUS_TRUE);
  const reasons = holding.map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
  const place = `${runPhaseToJSON(phase)}, stage ${stage}, attempt ${attempt}, ${progress?.stepsDone} steps`;
  return [`${runId} is ${place}`, ...reasons, failure].join('; ');
}

export const completed = (run: Run): boolean => run.phase === RunPhase.RUN_PHASE_COMPLETED;

/** Steps that were trained so far, in all stages. */
export const stepsOf = (run: Run): number => Number(run.progress?.stepsDone ?? 0);
