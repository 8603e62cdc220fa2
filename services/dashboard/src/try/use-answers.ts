import { useEffect, useRef, useState } from 'preact/hooks';
import type { Answer } from './answer-card.js';
import { infer, type ModelFacts, type ModelOutput } from './inference.js';
import { type Models, problemText } from './use-models.js';

/** Asks each model for its output, one after another, so that none slows down another's answer. */
export function useAnswers({ facts, asked }: Models, pixels: Uint8Array | undefined): readonly Answer[] {
  const [answers, setAnswers] = useState<readonly Answer[]>([]);
  const last = useRef<ReadonlyMap<string, ModelOutput>>(new Map());
  useEffect(() => {
    const left = new AbortController();
    setAnswers(asked.map((each) => ({ asked: each })));
    if (facts && pixels) void ask(facts, pixels, left.signal);
    return () => left.abort();

    async function ask({ shape }: ModelFacts, image: Uint8Array, signal: AbortSignal): Promise<void> {
      const before = last.current;
      const outputs = new Map<string, ModelOutput>();
      for (const [at, each] of asked.entries()) {
        const key = `${each.model} ${each.version}`;
        const earlier = before.get(key);
        const answer = await infer(each, shape, image, signal).then(
          (output): Answer => ({ asked: each, output, ...(earlier && { before: earlier }) }),
          (error: unknown): Answer => ({ asked: each, problem: problemText(error) }),
        );
        if (signal.aborted) return;
        if (answer.output) outputs.set(key, answer.output);
        setAnswers((all) => all.with(at, answer));
      }
      last.current = outputs;
    }
  }, [facts, asked, pixels]);
  return answers;
}
