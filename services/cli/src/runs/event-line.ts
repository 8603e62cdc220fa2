import { eventName } from '@trikd/events/event-name';
import { sentenceOf, type Tone } from '@trikd/events/sentences';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { eventJson } from '../json-messages.js';
import type { Colour, Paint } from '../paint.js';

/** One event as a line for a person: when, its number, its generation, what. */
export function eventLine(message: WatchRunResponse, paint: Paint): string {
  const { number, time } = message;
  const { event } = eventJson(message);
  const at = time ? time.toISOString().slice(11, 23) : '';
  const which = number > 0 ? eventName(number) : '';
  const generation = event && 'generation' in event.value ? `g${event.value.generation}` : '';
  const place = paint('dim', `${at.padEnd(12)} ${which.padStart(7)} ${generation.padStart(3)}`);
  return `${place}  ${event ? painted(sentenceOf(event), paint) : ''}`;
}

const COLOURS: Readonly<Record<Exclude<Tone, 'plain'>, Colour>> = { good: 'green', warning: 'yellow', bad: 'red' };

function painted({ tone, text }: ReturnType<typeof sentenceOf>, paint: Paint): string {
  return tone === 'plain' ? text : paint(COLOURS[tone], text);
}
