// Our training in one process, driven line by line: `setup solo|trio {run spec}`, then `step N` -> {"ms": [...], "allocated": bytes}.
// BENCH_REPLICAS has the addresses of processes for the student's further replicas, comma by comma.
// The comparison with a second checkout starts the program of that one: the lines stay what they are.
import { readFileSync } from 'node:fs';
import { paramsDigest } from '@trikd/core/checkpoint/blobs';
import type { Dataset } from '@trikd/core/data/split';
import { peerOf, type TrainedRole } from '@trikd/core/domain/position';
import { createFrameWindow } from '@trikd/core/exchange/frame-window';
import { AdmissionLimits } from '@trikd/core/spec/admission';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { learnerOf } from '@trikd/core/stages/stage';
import { stageAt } from '@trikd/core/stages/stages-of';
import { openFrozen } from '@trikd/core/training/frozen';
import type { TrainerPorts } from '@trikd/core/training/ports';
import { sessionsWith } from '@trikd/core/training/sessions';
import { createStepLimit } from '@trikd/core/training/step-limit';
import { trainStage } from '@trikd/core/training/trainer';
import { loadDataset, ownData } from '@trikd/model-host/data/load-dataset';
import { remoteReplicas } from '@trikd/model-host/replica/remote-replica';
import { systemClock } from '@trikd/process/system-clock';
import { LOOPBACK_ONLY } from '@trikd/transport/access/security';
import { openReplicaStream } from '@trikd/transport/grpc/replica-client';
import { answerLines } from './line-process.ts';
import { freshAnchor } from './trio-spec.ts';

/** Of a set in files, at most. */
const MOST_IMAGES = 4_000_000;

const addresses = process.env['BENCH_REPLICAS']?.split(',').filter((address) => address !== '') ?? [];
const replicas = remoteReplicas({
  addresses,
  connect: (address, options) => openReplicaStream(address, { ...options, role: 'student', security: LOOPBACK_ONLY }),
  clock: systemClock,
});

type Trained = readonly TrainedRole[];

/** Starts training at rest. The result trains so many steps more and says how long each took, in milliseconds. */
async function setup(mode: string, spec: RunSpec): Promise<(steps: number) => Promise<number[]>> {
  const dataset = await loadDataset(spec, ownData(AdmissionLimits.parse({ datasetImages: MOST_IMAGES })));
  return train(spec, mode === 'solo' ? ['student'] : ['teacher', 'student'], dataset);
}

async function train(spec: RunSpec, roles: Trained, dataset: Dataset): Promise<(steps: number) => Promise<number[]>> {
  const attempt = { runId: spec.name, stage: 1, attempt: 1 };
  const stage = stageAt(spec, 1, true);
  const open = (consumers: Trained) =>
    createFrameWindow({ attempt, firstStep: 0, size: spec.exchange.window, consumers });
  const pair = roles.length === 2;
  const windows = {
    anchor: open(roles),
    teacher: open(pair ? ['student'] : []),
    student: open(pair ? ['teacher'] : []),
  };
  const clock = stepClock(roles);
  const limits = roles.map(() => createStepLimit(0));
  for (const [index, role] of roles.entries()) {
    const ports: TrainerPorts = {
      frames: pair
        ? { anchor: windows.anchor.frames(role, 0), [peerOf(role)]: windows[peerOf(role)].frames(role, 0) }
        : {},
      publish: (frame) => windows[role].publish(frame),
      limit: limits[index]!,
      save: async (params) => ({ key: 'none', sha256: paramsDigest(params), bytes: 0 }),
      load: () => Promise.reject(new Error('nothing is loaded in a benchmark')),
      emit: (event) => event.kind === 'progress' && clock.trained(role, event.progress.nextStep),
      savesAt: () => false,
      clock: systemClock,
      signal: new AbortController().signal,
    };
    const sessions = role === 'student' ? sessionsWith(replicas) : undefined;
    trainStage({ role, spec, stage, attempt, startStep: 0 }, dataset, ports, sessions).catch(fail);
  }
  if (pair) answer().catch(fail);

  async function answer(): Promise<void> {
    const { model } = learnerOf(stage, 'student');
    const anchor = await openFrozen(spec, dataset, model, freshAnchor(spec, dataset), attempt);
    for (let step = 0; ; step++) await windows.anchor.publish(await anchor.logits(step));
  }

  return (steps) => {
    const done = clock.next(steps);
    for (const limit of limits) limit.move(limit.value + steps);
    return done;
  };
}

/** A step has ended when every role has trained it. */
function stepClock(roles: Trained) {
  const reached = new Map<TrainedRole, number>(roles.map((role) => [role, 0]));
  let done = 0;
  let last = 0;
  let times: number[] = [];
  let wanted = 0;
  let finish: (times: number[]) => void = () => undefined;
  return {
    next(steps: number): Promise<number[]> {
      wanted = steps;
      times = [];
      last = performance.now();
      return new Promise((resolve) => {
        finish = resolve;
      });
    },
    trained(role: TrainedRole, nextStep: number): void {
      reached.set(role, nextStep);
      if (Math.min(...reached.values()) <= done) return;
      done += 1;
      const now = performance.now();
      times.push(now - last);
      last = now;
      if (times.length === wanted) finish(times);
    },
  };
}

/** What the process has allocated, pages that it has not touched included: what `ulimit -d` limits. */
function allocatedBytes(): number {
  const kilobytes = /^VmData:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

function fail(error: unknown): never {
  console.error(error);
  process.exit(1);
}

let step: ((steps: number) => Promise<number[]>) | undefined;
await answerLines(async ([command, ...words]) => {
  if (command === 'setup') {
    step = await setup(words[0]!, RunSpec.parse(JSON.parse(words.slice(1).join(' '))));
    return { ready: true };
  }
  return { ms: await step!(Number(words[0])), allocated: allocatedBytes() };
});
process.exit(0);
