/**
 * Trains a whole run in this one process, without services, and prints what each stage came to: a list of
 * GenerationResult as JSON.
 *
 * usage: node reference-process.ts SPEC_AS_JSON
 */
import { blobsFolder, loadParams, saveParams } from '@trikd/core/checkpoint/blobs';
import { runReference } from '@trikd/core/reference/reference';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { loadDataset } from '@trikd/model-host/data/load-dataset';
import { weightsReader } from '@trikd/model-host/weights/weights-reader';
import { systemClock } from '@trikd/process/system-clock';
import { reported } from '@trikd/testing/runs/reported';
import { memoryStore } from '@trikd/testing/stores/memory-store';

const spec = RunSpec.parse(JSON.parse(process.argv[2] ?? ''));
const store = memoryStore();
const folder = blobsFolder({ runId: spec.name, generation: 0, attempt: 1 });
const dataset = await loadDataset(spec);
const readWeights = weightsReader();
const stages = runReference({
  spec,
  dataset,
  async outside(ref, model) {
    if (ref.kind === 'run') throw new Error('this process has no other runs');
    return (await readWeights(ref, { spec, dataset, model })).params;
  },
  save: (params) => saveParams(store, folder, params),
  load: (blob) => loadParams(store, blob),
  clock: systemClock,
});
const results: object[] = [];
for await (const stage of stages) results.push(reported(spec, stage));
console.log(JSON.stringify(results));
