import type { Run } from '@trikd/protocol/gen/node/trikd/v1/run';
import { phaseName } from '../story.js';

/** Where a run stands, in one sentence for a person. */
export function standing(runId: string, run: Run | undefined): string {
  if (!run) return `run ${runId} is there`;
  const { phase, generation, attempt, progress, stalls, failure } = run;
  const done = progress && progress.stepsTotal > 0 ? `, ${Math.floor(progress.percent)} % of its steps done` : '';
  const lines = [
    `run ${run.runId} is ${phaseName(phase)}: generation ${generation}, attempt ${attempt}${done}`,
    ...stalls.map(({ by, on, reason }) => `the ${by} waits for the ${on}: ${reason}`),
    ...(failure === '' ? [] : [failure]),
  ];
  return lines.join('\n');
}
