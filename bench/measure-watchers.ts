import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ServiceName } from '@trikd/process/service-process';
import { RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import { TrainerServiceClient } from '@trikd/protocol/gen/node/trikd/v1/trainer';
import { specFor } from '@trikd/testing/specs/spec-for';
import { openClient, unary } from '@trikd/transport/grpc/clients';
import type { Finding } from './finding.ts';
import { startLineProcess } from './line-process.ts';
import { startMeasured } from './measured-service.ts';
import { type Contestant, compare, ratio } from './rounds.ts';

const WATCHERS = 1000;
/** Seconds of a turn. */
const TURN = 10;
/** What we hold ourselves to: a run that is watched takes 5 % longer for a step. */
const GOAL = 1.05;

const NAME = 'watched';
const objective = [{ kind: 'task' as const }, { kind: 'distillation' as const, from: 'peer' as const }];
const rarely = { everyEpochs: 100_000 };
const spec = specFor('soak', {
  name: NAME,
  data: { kind: 'synthetic', height: 16, width: 16, train: 4096 },
  epochs: 100_000,
  student: { objective },
  teacher: { model: { kind: 'plain-cnn', channels: [8, 8] }, objective },
  evaluation: rarely,
  checkpoint: rarely,
});

/** A run of small steps without watchers and with a thousand, in turns. */
export async function measureWatchers(rounds: number): Promise<Finding> {
  const folder = await mkdtemp(join(tmpdir(), 'trikd-watchers-'));
  const start = (name: ServiceName, settings: Readonly<Record<string, string>> = {}) =>
    startMeasured(name, join(folder, 'store'), join(folder, `${name}.json`), settings);
  const [anchor, teacher, student] = await Promise.all([
    start('anchor-server'),
    start('teacher-trainer'),
    start('student-trainer'),
  ]);
  const orchestrator = await start('orchestrator', {
    events: join(folder, 'events'),
    anchor: anchor.address,
    teacher: teacher.address,
    student: student.address,
  });
  const runs = openClient(RunServiceClient, orchestrator.address);
  const trainer = openClient(TrainerServiceClient, student.address);
  const watchers = startLineProcess(process.execPath, [fileURLToPath(new URL('watchers-end.ts', import.meta.url))]);
  const request = { spec: JSON.stringify(spec), requestId: '', takeOver: true, placement: undefined, team: '' };
  await unary(runs.createRun.bind(runs), request, { what: 'the orchestrator', deadlineSeconds: 60 });
  const stepsDone = async () =>
    (await unary(trainer.getTrainer.bind(trainer), {}, { what: 'the student' })).next?.step ?? 0;
  while ((await stepsDone()) < 100) await delay(100);

  /** Milliseconds a step, over some turns. */
  const turns = async (count: number) => {
    const times: number[] = [];
    for (let turn = 0; turn < count; turn++) {
      const [from, before] = [performance.now(), await stepsDone()];
      await delay(1000 * TURN);
      times.push((performance.now() - from) / ((await stepsDone()) - before));
    }
    return times;
  };
  const alone: Contestant = { name: 'no watcher', step: turns, end: async () => undefined };
  const watched: Contestant = {
    name: `${WATCHERS} watch`,
    async step(count) {
      await watchers.ask(`open ${orchestrator.address} ${NAME} ${WATCHERS}`);
      const busy = cpuSeconds(orchestrator.pid);
      const times = await turns(count);
      const share = (cpuSeconds(orchestrator.pid) - busy) / (count * TURN);
      const { messages } = (await watchers.ask('close')) as { messages: number };
      const rate = Math.round(messages / (count * TURN));
      console.log(
        `  ${rate} messages a second, for which the orchestrator takes ${(100 * share).toFixed(0)} % of a core`,
      );
      return times;
    },
    async end() {
      await watchers.end();
      for (const client of [runs, trainer]) client.close();
      for (const service of [orchestrator, student, teacher, anchor]) await service.end();
      await rm(folder, { recursive: true });
    },
  };
  const comparison = await compare('a step of a small run', [alone, watched], { rounds, steps: 1, warmup: 1 });
  const value = ratio(comparison, watched.name, alone.name);
  return { comparisons: [comparison], ratios: [{ what: `${WATCHERS} watchers / none`, value, goal: GOAL }] };
}

/** Of a process of Linux, which counts in hundredths. */
function cpuSeconds(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}
