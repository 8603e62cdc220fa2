/**
 * Trains a whole run in this one process, without services, and prints what each generation came to: a list of
 * GenerationResult as JSON.
 *
 * usage: node reference-process.ts SPEC_AS_JSON
 */
import { blobsFolder, loadParams, saveParams } from '@trikd/core/checkpoint/blobs';
import { type ReferenceResult, runReference } from '@trikd/core/reference/reference';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { loadDataset } from '@trikd/model-host/data/load-dataset';
import { systemClock } from '@trikd/process/system-clock';
import { memoryStore } from '@trikd/testing/stores/memory-store';

const spec = RunSpec.parse(JSON.parse(process.argv[2] ?? ''));
const store = memoryStore();
const folder = blobsFolder({ runId: spec.name, generation: 0, attempt: 1 });
const generations = runReference({
  spec,
  dataset: await loadDataset(spec),
  save: (params) => saveParams(store, folder, params),
  load: (blob) => loadParams(store, blob),
  clock: systemClock,
});
const results: object[] = [];
for await (const generation of generations) results.push(asReported(generation));
console.log(JSON.stringify(results));

function asReported({ generation, promoted, steps, student, teacher, anchor }: ReferenceResult): object {
  return {
    generation,
    promoted,
    steps,
    student: student.best,
    teacher: teacher.best,
    studentStateSha256: student.state.sha256,
    teacherStateSha256: teacher.state.sha256,
    ...(anchor && { anchorScores: anchor }),
  };
}
