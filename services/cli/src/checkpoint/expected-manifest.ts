import type { ExpectedManifest } from '@trikd/core/checkpoint/load-manifest';
import type { PairManifest } from '@trikd/core/checkpoint/manifest';
import { specDigest } from '@trikd/core/spec/run-spec';
import { inputsOf, type StageInput } from '@trikd/core/stages/inputs';
import { originText } from '@trikd/core/stages/origin';
import { stageOf } from '../participants.js';
import type { OpenRun } from './open-run.js';

/** What a manifest must agree with. */
export function expectedOf({ spec, state }: Pick<OpenRun, 'spec' | 'state'>, manifest: PairManifest): ExpectedManifest {
  const { generation, step } = manifest;
  return {
    ...{ runId: spec.name, generation, step, specDigest: specDigest(spec), datasetDigest: state.facts?.datasetDigest },
    frozen: frozenIn({ spec, state }, manifest),
  };
}

/** The digests of the frozen models of a stage; as the manifest has them where the state does not keep them. */
function frozenIn(
  { spec, state }: Pick<OpenRun, 'spec' | 'state'>,
  { generation, frozen }: PairManifest,
): ExpectedManifest['frozen'] {
  const anchor = state.phase !== 'completed' && generation === state.generation ? state.anchor : 'unknown';
  const stage = stageOf(spec, generation);
  const digest = ({ name, from }: StageInput): string | undefined => {
    if (from === 'promoted') return anchor === 'unknown' ? frozen[name] : anchor?.params.sha256;
    if (from.kind !== 'stage') return state.imported?.[originText(from)] ?? frozen[name];
    if (from.at === 'last') return frozen[name];
    return state.results[from.index]?.learners[from.participant]?.best.params.sha256;
  };
  const expected = inputsOf(spec, stage)
    .filter(({ name }) => stage.frozen.some((each) => each.name === name))
    .flatMap((input) => {
      const sha256 = digest(input);
      return sha256 === undefined ? [] : [[input.name, sha256] as const];
    });
  return Object.fromEntries(expected);
}
