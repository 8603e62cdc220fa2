import { setTimeout as delay } from 'node:timers/promises';
import type { Run } from '@trikd/protocol/gen/node/trikd/v1/run';
import { RunPhase } from '@trikd/protocol/gen/node/trikd/v1/run';
import { RUNS } from '@trikd/testing/kubernetes/installation';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { expect } from 'vitest';
import { get, kubectl } from './kubernetes.js';
import { completed, createRun, getRun, stepsOf, until } from './orchestrator.js';
import { outcomeHere, outcomeOf, promotionsOf } from './outcome.js';
import { lastingSpec } from './specs.js';

export type PodRole = 'teacher' | 'student' | 'anchor';

export interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: { readonly nodeName: string };
  readonly status: { readonly podIP: string; readonly containerStatuses?: readonly ContainerStatus[] };
}
interface ContainerStatus {
  readonly containerID: string;
  readonly restartCount: number;
  readonly lastState: { readonly terminated?: { readonly reason: string; readonly exitCode: number } };
}

/** A run in training that is about to be struck. */
export interface StruckRun {
  readonly name: string;
  /** Its pod in a role. @param rank of the replica; default: 0, the trainer itself */
  pod(role: PodRole, rank?: number): Promise<Pod>;
  /** Its JobSet. */
  jobSet(): Promise<string>;
}

const STEPS = 20;
const EPOCHS = 100;
const RANK = 'batch.kubernetes.io/job-completion-index';

/**
 * Strikes a run in generation 1, where all three models take part. Whatever happens, its result is that of `trikd run`, and no
 * generation is promoted twice.
 * @param change of its spec
 */
export async function survives(
  label: string,
  strike: (run: StruckRun) => Promise<void>,
  change: (spec: WrittenSpec) => WrittenSpec = (spec) => spec,
): Promise<Run> {
  const spec = change(lastingSpec(label, EPOCHS));
  const { name } = spec;
  await createRun(spec);
  await inStageOne(name);
  await strike({ name, pod: (role, rank) => podOf(name, role, rank), jobSet: () => jobSetOf(name) });
  const run = await until(name, completed, 400);
  expect(outcomeOf(run)).toEqual(await outcomeHere(spec));
  expect(promotionsOf(run)).toEqual([0, 1]);
  return run;
}

/** Waits until a run has trained some steps beside its first anchor. */
export async function inStageOne(name: string): Promise<void> {
  await until(name, ({ stage, phase }) => stage === 1 && phase === RunPhase.RUN_PHASE_TRAINING);
  const { progress } = await getRun(name);
  await until(name, (run) => stepsOf(run) > Number(progress?.stepsDone ?? 0) + STEPS);
}

/**
 * Deletes a pod. @param force without waiting for the pod to end
 * @returns seconds until the next attempt has trained a step
 */
export async function deletePod({ name }: StruckRun, { metadata }: Pod, force: boolean): Promise<number> {
  const { attempt } = await getRun(name);
  const began = performance.now();
  const how = force ? ['--force', '--grace-period=0'] : ['--wait=false'];
  await kubectl('delete', 'pod', metadata.name, `--namespace=${RUNS}`, ...how);
  const next = await until(name, (run) => run.attempt > attempt && run.phase === RunPhase.RUN_PHASE_TRAINING);
  await until(name, (run) => stepsOf(run) > stepsOf(next) || run.stage > next.stage);
  return (performance.now() - began) / 1000;
}

export async function podsOf(name: string): Promise<readonly Pod[]> {
  const { items } = await get<{ readonly items: readonly Pod[] }>('pods', `--namespace=${RUNS}`);
  const prefix = await jobSetOf(name);
  return items.filter((pod) => pod.metadata.name.startsWith(`${prefix}-`));
}

async function podOf(name: string, role: PodRole, rank = 0): Promise<Pod> {
  const found = (await podsOf(name)).find(
    ({ metadata: { labels } }) => labels['trikd.dev/role'] === role && labels[RANK] === `${rank}`,
  );
  if (!found) throw new Error(`${name} has no pod of rank ${rank} of the ${role}`);
  return found;
}

export async function jobSetOf(name: string): Promise<string> {
  const { placement } = await getRun(name);
  if (!placement?.trio) throw new Error(`${name} has no trio`);
  return placement.trio;
}

/** Looks again and again. @throws when the time is over */
export async function untilTrue(what: string, look: () => Promise<boolean>, seconds = 120): Promise<void> {
  const last = performance.now() + 1000 * seconds;
  while (!(await look())) {
    if (performance.now() > last) throw new Error(`after ${seconds} s still not: ${what}`);
    await delay(500);
  }
}
