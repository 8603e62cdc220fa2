import type { Comparison } from '@trikd/core/export/compare-outputs';
import type { ModelGraph } from '@trikd/core/export/model-graph';

/** `the same class for 255`, `the right one for 240, with the checkpoint for 241`: what a lower precision costs; nothing of a model without classes. */
export function agreementTexts(
  { agreeing, right }: Comparison,
  { name }: Pick<ModelGraph['output'], 'name'>,
): readonly string[] {
  if (name !== 'logits') return [];
  const same = `the same class for ${agreeing}`;
  return right ? [same, `the right one for ${right.exported}, with the checkpoint for ${right.expected}`] : [same];
}
