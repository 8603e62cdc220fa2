import { TrikdError } from '../errors.js';
import type { GenerationAttempt } from '../position.js';
import type { Agreement } from './frame.js';

const NAMES: Readonly<Record<keyof Agreement, string>> = {
  specDigest: 'spec digest',
  datasetDigest: 'dataset digest',
  classes: 'classes',
  batchSize: 'batch size',
  seed: 'seed',
};

const FIELDS = [
  'datasetDigest',
  'classes',
  'batchSize',
  'seed',
  'specDigest',
] as const satisfies readonly (keyof Agreement)[];

/** Each field in which the two differ, with both values; empty when they agree. */
export function differences(mine: Agreement, theirs: Agreement): readonly string[] {
  return FIELDS.filter((field) => mine[field] !== theirs[field]).map(
    (field) => `${NAMES[field]} ${mine[field]} here, ${theirs[field]} there`,
  );
}

/**
 * Refuses a consumer whose logits would mean something else; `who` names it.
 * @throws TrikdError 'wrong-state' with every difference.
 */
export function assertAgreement(mine: Agreement, theirs: Agreement, who: string): void {
  const found = differences(mine, theirs);
  if (found.length > 0) {
    throw new TrikdError('wrong-state', `the ${who} disagrees: ${found.join('; ')}`, { mine, theirs });
  }
}

/**
 * Refuses a consumer that asks for another start of another generation than is served.
 * @throws TrikdError 'out-of-step' naming the first difference.
 */
export function assertServing(serving: GenerationAttempt, asked: GenerationAttempt): void {
  for (const [field, name] of [
    ['runId', 'run'],
    ['generation', 'generation'],
    ['attempt', 'attempt'],
  ] as const) {
    if (serving[field] !== asked[field]) {
      throw new TrikdError('out-of-step', `serving ${name} ${serving[field]}, asked for ${asked[field]}`, {
        serving,
        asked,
      });
    }
  }
}
