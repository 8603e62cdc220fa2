/**
 * Trains whole runs in this one process, without services, one after the other. For each it prints a line: what each stage came to, a list
 * of StageResult as JSON.
 *
 * usage: node reference-process.ts SPEC_AS_JSON
 *        node reference-process.ts < REQUESTS
 *
 * REQUESTS has a line of JSON for each run: {"spec": SPEC, "answers": FILE}. FILE, where there is one, has what models of other servers have
 * said: from SHA-256 of the images of a batch to its logits, float32 in base64.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { blobsFolder, loadParams, saveParams } from '@trikd/core/checkpoint/blobs';
import { makeBatch } from '@trikd/core/data/batch';
import { type ReferenceRun, runReference } from '@trikd/core/reference/reference';
import { newRun } from '@trikd/core/spec/new-run';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { loadDataset } from '@trikd/model-host/data/load-dataset';
import { weightsReader } from '@trikd/model-host/weights';
import { systemClock } from '@trikd/process/system-clock';
import { reported } from '@trikd/testing/runs/reported';
import { memoryStore } from '@trikd/testing/stores/memory-store';

const readWeights = weightsReader();

async function train(written: unknown, answers?: string): Promise<void> {
  const spec = newRun(RunSpec.parse(written));
  const store = memoryStore();
  const folder = blobsFolder({ runId: spec.name, stage: 0, attempt: 1 });
  const dataset = await loadDataset(spec);

  /** A model that answers as another server has answered for the same images. */
  const recorded: NonNullable<ReferenceRun['remote']> = async (_frozen, attempt) => {
    const said: Readonly<Record<string, string>> = JSON.parse(readFileSync(answers ?? '', 'utf8'));
    return {
      async logits(step) {
        const { images, digest } = makeBatch(dataset, spec, attempt.stage, step);
        const bytes = Buffer.from(said[createHash('sha256').update(images).digest('hex')] ?? '', 'base64');
        const data = new Float32Array(new Uint8Array(bytes).buffer);
        const logits = { rows: spec.batchSize, cols: dataset.classes, data };
        return { position: { ...attempt, step }, batchDigest: digest, logits };
      },
      close: async () => undefined,
    };
  };

  const stages = runReference({
    spec,
    dataset,
    async outside(ref, model) {
      if (ref.kind === 'run') throw new Error('this process has no other runs');
      return (await readWeights(ref, { spec, dataset, model })).params;
    },
    ...(answers !== undefined && { remote: recorded }),
    save: (params) => saveParams(store, folder, params),
    load: (blob) => loadParams(store, blob),
    clock: systemClock,
  });
  const results: object[] = [];
  for await (const stage of stages) results.push(reported(spec, stage));
  console.log(JSON.stringify(results));
}

const [, , text] = process.argv;
if (text !== undefined) await train(JSON.parse(text));
else {
  for await (const line of createInterface({ input: process.stdin })) {
    const { spec, answers } = JSON.parse(line);
    await train(spec, answers);
  }
}
