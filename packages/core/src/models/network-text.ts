/** Characters of the text of a network, at most. */
export const LONGEST_NETWORK = 160;

/**
 * A network as people compare it, `resnet, depth 8, width 16`: the kind of a model in a spec, and its settings that are numbers, texts or
 * lists of them. Empty for what is no model.
 */
export function networkText(model: unknown): string {
  if (typeof model !== 'object' || model === null) return '';
  const parts = Object.entries(model).flatMap(([name, value]) => {
    const text = valueText(value);
    if (text === '') return [];
    return [name === 'kind' ? { order: 0, text } : { order: 1, text: `${name} ${text}` }];
  });
  const text = parts
    .sort((a, b) => a.order - b.order)
    .map((part) => part.text)
    .join(', ');
  return text.length <= LONGEST_NETWORK ? text : `${text.slice(0, LONGEST_NETWORK - 1)}…`;
}

function valueText(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'string') return String(value);
  return Array.isArray(value) ? value.map(valueText).join(', ') : '';
}
