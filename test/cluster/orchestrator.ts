/** RunService of the cluster, called from outside: grpcurl, a token, and a port that kubectl forwards. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { canonicalJson } from '@trikd/core/domain/canonical-json';
import { RunSpec } from '@trikd/core/spec/run-spec';
import type { Run } from '@trikd/protocol/gen/node/trikd/v1/run';
import { Run as RunMessage, RunPhase } from '@trikd/protocol/gen/node/trikd/v1/run';
import { NAMESPACE, PEOPLE } from '@trikd/testing/kubernetes/installation';
import { type Forward, forward } from '@trikd/testing/kubernetes/port-forward';
import { goTool } from '@trikd/testing/servers/go-tool';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { facts, kubectl } from './kubernetes.js';

const PROTOS = fileURLToPath(new URL('../../proto', import.meta.url));
const POLL_MS = 500;
let token: Promise<string> | undefined;
let open: Promise<Forward> | undefined;

/** A token of the ServiceAccount `ada`, signed by the API server for trikd. */
export function tokenOfAda(): Promise<string> {
  const create = ['create', 'token', 'ada', `--namespace=${PEOPLE}`, '--audience=trikd', '--duration=4h'];
  token ??= kubectl(...create).then((text) => text.trim());
  return token;
}

/** Calls a method. @throws with what grpcurl says */
export async function call(method: string, request: object): Promise<unknown> {
  const { stdout } = await promisify(execFile)(goTool('grpcurl'), [
    '-cacert',
    join(facts().certs, 'ca.crt'),
    '-import-path',
    PROTOS,
    '-proto',
    'trikd/v1/run.proto',
    '-H',
    `authorization: Bearer ${await tokenOfAda()}`,
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
export async function ask(method: string, request: object, seconds = 60): Promise<unknown> {
  const last = performance.now() + 1000 * seconds;
  for (;;) {
    try {
      return await call(method, request);
    } catch (error) {
      if (performance.now() > last) throw error;
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
export async function closePort(): Promise<void> {
  const forwarded = await open?.catch(() => undefined);
  open = undefined;
  forwarded?.close();
}

/** Creates a run. */
export async function createRun(spec: WrittenSpec, placement: object = {}): Promise<void> {
  await ask('CreateRun', { spec: canonicalJson(RunSpec.parse(spec)), requestId: `create ${spec.name}`, placement });
}

export async function getRun(runId: string): Promise<Run> {
  const answer = await ask('GetRun', { runId });
  return RunMessage.fromJSON((answer as { readonly run: unknown }).run);
}

/** Asks until the run is as expected. @throws when it has failed, or when the time is over */
export async function until(runId: string, fits: (run: Run) => boolean, seconds = 300): Promise<Run> {
  const last = performance.now() + 1000 * seconds;
  for (;;) {
    const run = await getRun(runId);
    if (fits(run)) return run;
    if (run.phase === RunPhase.RUN_PHASE_FAILED) throw new Error(`${runId} failed: ${run.failure}`);
    if (performance.now() > last) throw new Error(`${runId} stays as it is: ${JSON.stringify(RunMessage.toJSON(run))}`);
    await delay(POLL_MS);
  }
}

export const completed = (run: Run): boolean => run.phase === RunPhase.RUN_PHASE_COMPLETED;

/** Steps that were trained so far, in all generations. */
export const stepsOf = (run: Run): number => Number(run.progress?.stepsDone ?? 0);
