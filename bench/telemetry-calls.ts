/**
 * Processor time of telemetry alone: what a trainer does for it in a step of 2 ms that computes nothing, without telemetry, with metrics,
 * and traced at every step to a collector. All that the process uses counts, sending and garbage collection too.
 *
 * usage: node bench/telemetry-calls.ts [--steps N]
 */
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import type { Role } from '@trikd/core/domain/position';
import { spanIdOf, traceIdsOf, traceparentOf } from '@trikd/core/timing/trace-ids';
import type { TrainerProgress } from '@trikd/core/training/ports';
import { createLogger } from '@trikd/process/logging';
import { startTelemetry } from '@trikd/telemetry/start-telemetry';
import { createStepMemory } from '@trikd/telemetry/step-recorder';
import { startObservers } from '@trikd/testing/servers/observers';

const { values } = parseArgs({
  options: { steps: { type: 'string', default: '8000' }, alone: { type: 'string' } },
});
const count = Number(values.steps);
if (values.alone === undefined) await compareAll();
else console.log(await microseconds(Number(values.alone)));
process.exit();

async function compareAll(): Promise<void> {
  const observers = await startObservers();
  const child = async (everySteps: number, env: Readonly<Record<string, string>>) => {
    const args = ['--max-semi-space-size=8', fileURLToPath(import.meta.url), '--steps', `${count}`];
    const { stdout } = await promisify(execFile)(process.execPath, [...args, '--alone', `${everySteps}`], {
      env: { ...process.env, ...env },
    });
    return Number(stdout);
  };
  const sent = { OTEL_EXPORTER_OTLP_ENDPOINT: observers.otlp };
  const [off, metrics, traced] = await Promise.all([child(0, {}), child(0, sent), child(1, sent)]);
  const print = (what: string, value: number) =>
    console.log(`${what}: ${value.toFixed(0)} µs of processor a step, ${(value - off).toFixed(0)} more`);
  print('without telemetry', off);
  print('metrics', metrics);
  print('metrics, every step traced', traced);
  await observers.kill();
}

/** What a step costs once everything is compiled: in the second half. */
async function microseconds(everySteps: number): Promise<number> {
  const telemetry = await startTelemetry('bench', process.env, createLogger({ level: 'warn' }, 'bench'));
  const memory = createStepMemory(() => performance.timeOrigin + performance.now(), telemetry);
  const recorder = memory.begin({ runId: 'bench', stage: 1, attempt: 1 }, 'student', {
    seed: 'bench',
    everySteps,
  });
  const traceIds = traceIdsOf('bench', { stage: 1, attempt: 1 });
  /** The contexts that come with the frames of all steps: to make them is the senders' work. */
  const contextsOf = (from: Role) =>
    Array.from({ length: 2 * count }, (_, step) =>
      everySteps > 0 ? traceparentOf(traceIds(step), spanIdOf(traceIds(step), from)) : undefined,
    );
  const contexts = { anchor: contextsOf('anchor'), teacher: contextsOf('teacher') };
  const terms = (['task', 'anchor', 'peer'] as const).map((part) => ({ part, value: 1 }));
  const values = { batchMetrics: { accuracy: 1 }, gradientNorm: 1, learningRate: 1, stepsPerSecond: 1, waits: {} };
  let before = process.cpuUsage();
  for (let step = 0; step < 2 * count; step++) {
    if (step === count) before = process.cpuUsage();
    for (const moment of ['forward', 'next-data', 'next-data-done', 'await-anchor'] as const) {
      recorder.listen(step, moment);
    }
    recorder.received(step, 'anchor', contexts.anchor[step]);
    recorder.listen(step, 'publish');
    recorder.traceparent(step);
    recorder.listen(step, 'await-peer');
    recorder.received(step, 'teacher', contexts.teacher[step]);
    recorder.listen(step, 'backward');
    recorder.listen(step, 'done');
    const progress: TrainerProgress = { ...values, nextStep: step + 1, terms };
    telemetry.emitted('student', { kind: 'progress', progress });
    await delay(2);
  }
  const { user, system } = process.cpuUsage(before);
  await telemetry.stop();
  return (user + system) / count;
}
