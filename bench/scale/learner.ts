// One learner that trains on labels alone, driven line by line: `setup {"depth", "width", "batchSize", "classes", "side"}`, then
// `step N` -> {"ms": [...], "peak": bytes}, or `data N` -> {"ms": [...]} for batches alone.
import { readFileSync } from 'node:fs';
import { makeBatch } from '@trikd/core/data/batch';
import { stageAt } from '@trikd/core/stages/stages-of';
import { createStepLimit } from '@trikd/core/training/step-limit';
import { trainStage } from '@trikd/core/training/trainer';
import { systemClock } from '@trikd/process/system-clock';
import { datasetFor } from '@trikd/testing/specs/spec-for';
import { lonePorts } from '@trikd/testing/training/lone-ports';
import { answerLines } from '../line-process.ts';
import { type LearnerSettings, specOf } from './learner-spec.ts';

function setup(settings: LearnerSettings) {
  const spec = specOf(settings);
  const dataset = datasetFor(spec);
  const limit = createStepLimit(0);
  let reached: { readonly step: number; readonly resolve: () => void } | undefined;
  const times: number[] = [];
  let last = 0;
  const { ports } = lonePorts({
    limit,
    clock: systemClock,
    emit(event) {
      if (event.kind !== 'progress') return;
      const now = performance.now();
      times.push(now - last);
      last = now;
      if (event.progress.nextStep === reached?.step) reached.resolve();
    },
  });
  const attempt = { runId: spec.name, stage: 0, attempt: 1 };
  const stage = stageAt(spec, 0, false);
  trainStage({ role: 'student', spec, stage, attempt, startStep: 0 }, dataset, ports).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
  return {
    async step(count: number) {
      times.length = 0;
      const done = new Promise<void>((resolve) => {
        reached = { step: limit.value + count, resolve };
      });
      last = performance.now();
      limit.move(limit.value + count);
      await done;
      return { ms: [...times], peak: peakBytes() };
    },
    data(count: number) {
      const ms = Array.from({ length: count }, (_, step) => {
        const from = performance.now();
        makeBatch(dataset, spec, 0, step);
        return performance.now() - from;
      });
      return { ms };
    },
  };
}

/** The most memory that the process has had. */
function peakBytes(): number {
  return 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}

let learner: ReturnType<typeof setup> | undefined;
await answerLines(async ([command, ...words]) => {
  if (command === 'setup') {
    learner = setup(JSON.parse(words.join(' ')));
    return {};
  }
  return command === 'step' ? learner!.step(Number(words[0])) : learner!.data(Number(words[0]));
});
process.exit(0);
