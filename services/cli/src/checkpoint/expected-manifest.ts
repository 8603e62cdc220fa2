import type { ExpectedManifest } from '@trikd/core/checkpoint/load-manifest';
import type { PairManifest } from '@trikd/core/checkpoint/manifest';
import { specDigest } from '@trikd/core/spec/run-spec';
import type { OpenRun } from './open-run.js';

/** What a manifest must agree with. The state does not keep the anchors of earlier generations. */
export function expectedOf({ spec, state }: Pick<OpenRun, 'spec' | 'state'>, manifest: PairManifest): ExpectedManifest {
  const { generation, step, anchor } = manifest;
  return {
    ...{ runId: spec.name, generation, step, specDigest: specDigest(spec), datasetDigest: state.facts?.datasetDigest },
    anchor: state.phase === 'completed' || generation !== state.generation ? anchor : state.anchor?.params.sha256,
  };
}
