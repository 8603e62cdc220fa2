// The trio as services, driven line by line as one-process.ts is: `setup trio {run spec}`, then `step N` -> {"ms": [...]}.
import { RunSpec } from '@trikd/core/spec/run-spec';
import { type DistributedTrio, startDistributed } from './distributed.ts';
import { answerLines } from './line-process.ts';

let trio: DistributedTrio | undefined;
await answerLines(async ([command, ...words]) => {
  if (command === 'setup') {
    trio = await startDistributed('services', RunSpec.parse(JSON.parse(words.slice(1).join(' '))));
    return { ready: true };
  }
  return { ms: await trio!.step(Number(words[0])) };
});
await trio?.end();
await trio?.lags();
process.exit(0);
