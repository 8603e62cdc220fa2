import { bestOf, decisiveOf } from '@trikd/events/compare-runs';
import type { Blob } from '@trikd/protocol/gen/browser/trikd/v1/common';
import type { ListCheckpointsResponse, Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { capital } from '../format.js';
import { namingOf } from '../run/stages.js';

/** A file of tensors in the store of a run. */
export interface StoredFile {
  /** The stage, such as `generation 2`. */
  readonly stage: string;
  /** Steps trained before it. */
  readonly step: number;
  /** By name. */
  readonly learner: string;
  /** The learner, and what of it the file has. */
  readonly content: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Where the server has it. */
  readonly href: string;
  /** The name that the browser suggests. */
  readonly file: string;
}

/** The best params of the learners of each ended stage, the newest stage first. */
export function bestFiles(run: Run): readonly StoredFile[] {
  return run.stages
    .toReversed()
    .flatMap(({ stage, learners }) =>
      learners.flatMap(({ participant, best }) =>
        best?.params ? [fileOf(run, stage, best.step, participant, 'best params', best.params)] : [],
      ),
    );
}

/** The params of the result of a run so far; undefined before there is one. */
export function resultFile(run: Run): StoredFile | undefined {
  const result = bestOf(run);
  if (!result) return undefined;
  const name = decisiveOf(result, run);
  const best = result.learners.find(({ participant }) => participant === name)?.best;
  return best?.params && fileOf(run, result.stage, best.step, name, 'best params', best.params);
}

/** What a run could continue from, the newest first: params with the slots of the optimizer. */
export function stateFiles(run: Run, { checkpoints }: ListCheckpointsResponse): readonly StoredFile[] {
  return checkpoints.flatMap(({ stage, step, parts }) =>
    parts.flatMap(({ participant, state }) => (state ? [fileOf(run, stage, step, participant, 'state', state)] : [])),
  );
}

function fileOf(
  run: Run,
  stageIndex: number,
  step: number,
  learner: string,
  what: 'best params' | 'state',
  { key, bytes, sha256 }: Blob,
): StoredFile {
  const stage = namingOf(run).title(stageIndex);
  const name = [run.runId, learner, stage, ...(what === 'state' ? [`step ${step}`] : [])].join('-');
  return {
    ...{ stage: capital(stage), step, learner, bytes, sha256 },
    content: `${capital(learner)}, ${what}`,
    href: `/api/${key}`,
    file: `${name.replaceAll(/[^\w.-]+/g, '-')}.safetensors`,
  };
}
