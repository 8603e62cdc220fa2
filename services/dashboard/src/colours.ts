import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { participantsIn } from './stages.js';

/** Participants that look the same in every run. */
const OWN: readonly string[] = ['student', 'teacher', 'anchor'];

/** Colours for the others, as many as the style has. */
const MORE = 6;

/** The class, and the custom property, with the colour of a participant of a run: one for each as far as they reach. */
export function coloursIn(run: Run | undefined): (participant: string) => string {
  const others = run ? participantsIn(run).filter((name) => !OWN.includes(name)) : [];
  return (participant) => {
    if (OWN.includes(participant)) return participant;
    const place = others.indexOf(participant);
    return `participant-${((place < 0 ? others.length : place) % MORE) + 1}`;
  };
}
