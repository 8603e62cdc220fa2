/**
 * Requests to a server of models while generations are promoted: none may fail, and none be answered by two generations.
 *
 * usage: node bench/promotions.ts [--requests N] [--promotions N]
 */
import { parseArgs } from 'node:util';
import { openJudged } from '@trikd/core/training/judge';
import { datasetFor, specFor } from '@trikd/testing/specs/spec-for';
import { requestsOf, startServing, storedRun } from './served-run.ts';

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '10000' }, promotions: { type: 'string', default: '10' } },
});
const [requests, promotions] = [Number(values.requests), Number(values.promotions)];
const CALLERS = 8;
const spec = specFor('two stages', { curriculum: { generations: promotions + 2 } });
const { request, count, images } = requestsOf(spec);
const run = await storedRun(spec, promotions + 1);

/** The logits of each stage, as an evaluation computes them. */
const expected: Buffer[] = [];
const dataset = datasetFor(spec);
for (const params of run.params.student) {
  const judged = await openJudged(spec, dataset, spec.student!.model!, params);
  const { logits } = await judged.outputs(images);
  expected.push(Buffer.from(logits!.buffer));
  await judged.close();
}

const server = await startServing(run, { 'serving.poll': 0.05 });
const answered = new Map<string, number>();
let [asked, failed, mixed] = [0, 0, 0];
const call = async () => {
  // A promotion is over when its generation has answered.
  while (asked < requests || answered.size <= promotions) {
    asked += 1;
    const [first, rows] = [asked % (count - 8), 1 + (asked % 7)];
    try {
      const { modelVersion, rawOutputContents } = await server.infer(request(first, rows));
      answered.set(modelVersion, (answered.get(modelVersion) ?? 0) + 1);
      const bytes = 4 * dataset.classes;
      const wanted = expected[Number(modelVersion)]!.subarray(first * bytes, (first + rows) * bytes);
      if (!wanted.equals(rawOutputContents[0]!)) mixed += 1;
    } catch (error) {
      failed += 1;
      console.log(error instanceof Error ? error.message : error);
    }
  }
};
const promote = async () => {
  for (let stage = 1; stage <= promotions; stage++) {
    while (asked < (stage * requests) / (promotions + 1)) await new Promise((resolve) => setTimeout(resolve, 5));
    while (!answered.has(String(stage - 1))) await new Promise((resolve) => setTimeout(resolve, 5));
    await run.promote(stage);
  }
};
await Promise.all([promote(), ...Array.from({ length: CALLERS }, call)]);
await server.end();
const versions = [...answered].map(([version, times]) => `${version}: ${times}`).join(', ');
console.log(
  `${asked} requests, ${promotions} promotions: ${failed} failed, ${mixed} with other bits than their generation`,
);
console.log(`answers by stage: ${versions}`);
process.exit(failed + mixed === 0 ? 0 : 1);
