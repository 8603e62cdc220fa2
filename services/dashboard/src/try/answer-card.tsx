import { percent } from '@trikd/events/names';
import { milliseconds } from '../format.js';
import { cosine, topGuesses } from './answers.js';
import type { AskedModel } from './asked-models.js';
import type { ModelFacts, ModelOutput } from './inference.js';

/** What one model says of an image. */
export interface Answer {
  readonly asked: AskedModel;
  /** Absent while it computes. */
  readonly output?: ModelOutput;
  /** Its output for the image before. */
  readonly before?: ModelOutput;
  /** Why there is no answer. */
  readonly problem?: string;
}

/** The most probable classes of a classifier; the similarity to the image before for embeddings. */
export function AnswerCard({ answer, facts }: { readonly answer: Answer; readonly facts: ModelFacts }) {
  const { asked, output, problem } = answer;
  const colour = classOf(asked.title);
  return (
    <section class="panel answer" aria-label={`Answer of the ${asked.title}`} aria-busy={!output && !problem}>
      <h2 class={colour}>{asked.title}</h2>
      <p class="muted small">
        version {output?.version ?? asked.version}
        {output && ` · ${milliseconds(output.milliseconds)}`}
      </p>
      {problem !== undefined && <p class="notice bad">{problem}</p>}
      {output &&
        (facts.output === 'logits' ? (
          <Guesses output={output} facts={facts} colour={colour} />
        ) : (
          <Similarity answer={answer} />
        ))}
    </section>
  );
}

interface GuessesProps {
  readonly output: ModelOutput;
  readonly facts: ModelFacts;
  /** The class with the colour of the model. */
  readonly colour: string;
}

function Guesses({ output, facts, colour }: GuessesProps) {
  return (
    <ol class="guesses">
      {topGuesses(output.values, facts.classes).map(({ index, name, probability }) => (
        <li key={index}>
          <span class="guess">{name}</span>
          <span class="number">{percent(probability, 1)}</span>
          <span class={`guess-bar ${colour}`} aria-hidden="true" style={{ width: `${100 * probability}%` }} />
        </li>
      ))}
    </ol>
  );
}

function Similarity({ answer: { output, before } }: { readonly answer: Answer }) {
  if (!output) return null;
  if (!before) return <p>This model compares images: choose a second one.</p>;
  return (
    <p>
      Similarity to the image before: <strong class="number">{cosine(output.values, before.values).toFixed(3)}</strong>
    </p>
  );
}

function classOf(title: string): string {
  if (title === 'student' || title === 'teacher' || title === 'anchor') return title;
  return title === 'previous student' ? 'anchor' : 'participant-1';
}
