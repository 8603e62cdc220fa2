import { TrikdError } from '../domain/errors.js';
import type { GenerationAttempt } from '../domain/position.js';
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

/** Each field that differs, with both values; empty if the two agree. */
export function differences(mine: Agreement, theirs: Agreement): readonly string[] {
  return FIELDS.filter((field) => mine[field] !== theirs[field]).map(
    (field) => `${NAMES[field]} ${mine[field]} here, ${theirs[field]} there`,
  );
}

/**
 * Rejects a consumer whose logits would mean something else.
 * @param who names the consumer in the message
 * @throws TrikdError 'wrong-state' with every difference
 */
export function assertAgreement(mine: Agreement, theirs: Agreement, who: string): void {
  const found = differences(mine, theirs);
  if (found.length > 0) {
    throw new TrikdError('wrong-state', `the ${who} disagrees: ${found.join('; ')}`, { mine, theirs });
  }
}

/**
 * Why a request for `asked` must be rejected: 'wrong-state' for another run or generation than is served, 'out-of-step'
 * for another attempt of that generation. Undefined if `asked` is served.
 */
export function notServed(serving: GenerationAttempt, asked: GenerationAttempt): TrikdError | undefined {
  for (const [field, name, kind] of [
    ['runId', 'run', 'wrong-state'],
    ['generation', 'generation', 'wrong-state'],
    ['attempt', 'attempt', 'out-of-step'],
  ] as const) {
    if (serving[field] === asked[field]) continue;
    return new TrikdError(kind, `serving ${name} ${serving[field]}, asked for ${asked[field]}`, { serving, asked });
  }
  return undefined;
}

/** @throws TrikdError as `notServed` returns it */
export function assertServing(serving: GenerationAttempt, asked: GenerationAttempt): void {
  const refusal = notServed(serving, asked);
  if (refusal) throw refusal;
}
