import { blobsFolder, saveParams } from '@trikd/core/checkpoint/blobs';
import type { StageAttempt } from '@trikd/core/domain/position';
import { sampledContext, seedOf, traceIdOf } from '@trikd/core/timing/trace-ids';
import { fromPosition } from '@trikd/protocol/convert';
import { toRoleStep } from '@trikd/protocol/convert-timing';
import { StepPhaseKind, TimingServiceClient } from '@trikd/protocol/gen/node/trikd/v1/timing';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { paramsOf } from '@trikd/testing/toy-model/number-model';
import { openClient, unary } from '@trikd/transport/grpc/clients';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listenTo } from './exchange-rig.js';
import { agreement, assignment, attempt, openAnchorServer, openTrainer, TOTAL_STEPS, until } from './trio-rig.js';

const store = memoryStore();
const tracing = { seed: seedOf('r', 'now'), everySteps: TOTAL_STEPS - 1 };
const of = { ...attempt, stage: 1 };
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** What a model answers of its steps. */
function stepsOf(address: string) {
  const client = openClient(TimingServiceClient, address);
  closing.push(() => client.close());
  const options = { what: 'a model' };
  return {
    read: async (asked: StageAttempt, step = 0) => {
      const { steps } = await unary(client.readSteps.bind(client), { from: fromPosition({ ...asked, step }) }, options);
      return steps;
    },
    trace: async (asked: StageAttempt, steps: number[]) => {
      const position = fromPosition({ ...asked, step: 0 });
      return unary(client.traceSteps.bind(client), { attempt: position, steps }, options);
    },
  };
}

let addresses: { readonly teacher: string; readonly student: string; readonly anchor: string };

beforeEach(async () => {
  const [teacher, student, anchor] = await Promise.all([
    openTrainer('teacher', store),
    openTrainer('student', store),
    openAnchorServer(store),
  ]);
  closing.push(() => Promise.all([teacher.close(), student.close(), anchor.close()]));
  addresses = { teacher: teacher.address, student: student.address, anchor: anchor.address };
  await anchor.load({ ...of, step: 0 }, await saveParams(store, blobsFolder(attempt), paramsOf(3)), undefined, tracing);
  const given = { of, tracing };
  const frozen = { anchor: anchor.address };
  await Promise.all([
    teacher.assign(assignment({ ...given, sources: { ...frozen, student: student.address } })),
    student.assign(assignment({ ...given, sources: { ...frozen, teacher: teacher.address } })),
  ]);
  for (const each of [teacher, student]) await until(each, 'resting', undefined, of);
});

test('anchor, teacher and student report the times of each step', async () => {
  for (const [role, address] of Object.entries(addresses)) {
    const steps = (await stepsOf(address).read(of)).map(toRoleStep);
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: TOTAL_STEPS }, (_, step) => step));
    for (const step of steps) {
      expect(step.role).toBe(role);
      const filled = step.phases.reduce((sum, { duration }) => sum + duration, 0);
      expect(filled).toBeCloseTo(step.duration, 6);
    }
  }
  const [first] = await stepsOf(addresses.student).read(of, 30);
  expect(first!.step).toBe(30);
  expect(Math.abs(Date.now() - first!.startedMs)).toBeLessThan(60_000);
  expect(first!.phases.map(({ kind }) => kind)).toEqual([
    StepPhaseKind.STEP_PHASE_KIND_FORWARD,
    StepPhaseKind.STEP_PHASE_KIND_PUBLISH,
    StepPhaseKind.STEP_PHASE_KIND_WAIT,
    StepPhaseKind.STEP_PHASE_KIND_WAIT,
  ]);
});

test('other attempts have no steps, and missing steps are skipped', async () => {
  const student = stepsOf(addresses.student);
  expect(await student.read({ ...of, attempt: 9 })).toEqual([]);
  expect(await student.trace({ ...of, attempt: 9 }, [1])).toEqual({ remembered: 0 });
  expect(await student.trace(of, [1, 2, 99])).toEqual({ remembered: 2 });
});

test('the frame of a sampled step carries its trace context, others carry none', async () => {
  for (const producer of ['anchor', 'teacher'] as const) {
    const heard = listenTo(addresses[producer], {
      producer,
      from: { ...of, step: TOTAL_STEPS - 2 },
      consumer: 'student',
      agreement: await agreement(),
    });
    const [before, last] = [await heard.next(), await heard.next()];
    await heard.return();
    expect(before.value).not.toHaveProperty('traceparent');
    const traceparent = last.value && 'traceparent' in last.value ? last.value.traceparent : undefined;
    expect(sampledContext(traceparent ?? '')?.traceId).toBe(traceIdOf(tracing.seed, { ...of, step: TOTAL_STEPS - 1 }));
  }
});
