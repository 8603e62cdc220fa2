import { styleText } from 'node:util';
import { phaseName } from '@trikd/events/names';
import { RunPhase, runPhaseToJSON } from '@trikd/protocol/gen/node/trikd/v1/run';
import { markStyles, printable } from './printable.js';

/** Colours of states. */
export type Colour = 'green' | 'yellow' | 'red' | 'cyan' | 'dim' | 'bold';

/** Gives a text a colour. */
export type Paint = (colour: Colour, text: string) => string;

/** Leaves all texts as they are. */
export const plain: Paint = (_, text) => text;

/** Colours for a terminal that has them, none elsewhere. NO_COLOR and FORCE_COLOR decide where they are set. */
export function paintFor(stream: NodeJS.WritableStream): Paint {
  return (colour, text) => markStyles(styleText(colour, printable(text), { stream, validateStream: true }));
}

const PHASE_COLOURS: Readonly<Record<RunPhase, Colour>> = {
  [RunPhase.RUN_PHASE_UNSPECIFIED]: 'dim',
  [RunPhase.RUN_PHASE_QUEUED]: 'yellow',
  [RunPhase.RUN_PHASE_PREPARING]: 'cyan',
  [RunPhase.RUN_PHASE_TRAINING]: 'cyan',
  [RunPhase.RUN_PHASE_PROMOTING]: 'cyan',
  [RunPhase.RUN_PHASE_COMPLETED]: 'green',
  [RunPhase.RUN_PHASE_FAILED]: 'red',
  [RunPhase.RUN_PHASE_WAITING]: 'yellow',
  [RunPhase.RUN_PHASE_PAUSED]: 'yellow',
  [RunPhase.RUN_PHASE_CANCELLED]: 'dim',
  [RunPhase.UNRECOGNIZED]: 'dim',
};

/** The name of a phase in its colour. */
export function paintedPhase(phase: RunPhase, paint: Paint): string {
  return paint(PHASE_COLOURS[phase], phaseName(runPhaseToJSON(phase)));
}
