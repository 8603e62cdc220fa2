/** A class, and how probable a model holds it. */
export interface Guess {
  /** Index of the class. */
  readonly index: number;
  readonly name: string;
  /** 0..1 */
  readonly probability: number;
}

/** Guesses that are shown of a model. */
export const MOST_GUESSES = 5;

/** The most probable classes, by their softmax at temperature 1. @param names of the classes, where they are known */
export function topGuesses(logits: readonly number[], names: readonly string[]): readonly Guess[] {
  const most = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - most));
  const sum = powers.reduce((total, each) => total + each, 0);
  return powers
    .map((power, index) => ({ index, name: names[index] ?? `class ${index}`, probability: power / sum }))
    .sort((a, b) => b.probability - a.probability || a.index - b.index)
    .slice(0, MOST_GUESSES);
}

/** Whether models agree on the first guess, in words. */
export function agreementText(answers: readonly { readonly title: string; readonly guess: string }[]): string {
  if (answers.length < 2) return '';
  const groups = new Map<string, string[]>();
  for (const { title, guess } of answers) groups.set(guess, [...(groups.get(guess) ?? []), title]);
  const [[first = ''] = []] = [...groups];
  if (groups.size === 1) return `${answers.length === 2 ? 'Both' : `All ${answers.length}`} say ${first}.`;
  const parts = [...groups].map(([guess, titles]) => {
    return `${titles.join(' and ')} ${titles.length === 1 ? 'says' : 'say'} ${guess}`;
  });
  return `They disagree: ${parts.join(', ')}.`;
}

/** The cosine of the angle between two embeddings. */
export function cosine(one: readonly number[], other: readonly number[]): number {
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, each, at) => sum + each * (b[at] ?? 0), 0);
  return dot(one, other) / Math.sqrt(Math.max(dot(one, one) * dot(other, other), Number.MIN_VALUE));
}
