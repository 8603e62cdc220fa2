import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { parse } from 'yaml';

const NEVER = 100_000;

/**
 * The options of a benchmark of steps, `[--rounds N] [--steps N] [--spec FILE]`, and the run that it trains: the example's models and batches
 * on made-up images, where neither validation nor checkpoints come between steps.
 * @param defaultRounds rounds unless there is an option
 */
export function stepOptions(defaultRounds: number) {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: `${defaultRounds}` },
      steps: { type: 'string', default: '50' },
      spec: { type: 'string', default: 'examples/fashion-mnist.yaml' },
    },
  });
  const spec = RunSpec.parse({
    ...parse(readFileSync(values.spec, 'utf8')),
    name: 'bench',
    data: { kind: 'synthetic', height: 28, width: 28, channels: 1, classes: 10, train: 512, validation: 64, test: 64 },
    epochs: NEVER,
    evaluation: { everyEpochs: NEVER },
    checkpoint: { everyEpochs: NEVER },
  });
  return { rounds: Number(values.rounds), steps: Number(values.steps), file: values.spec, spec };
}
