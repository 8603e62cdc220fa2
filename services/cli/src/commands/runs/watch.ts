import { setTimeout as pause } from 'node:timers/promises';
import { TrikdError } from '@trikd/core/domain/errors';
import { eventName } from '@trikd/events/event';
import { runInPhase, sentenceOf, type Tone } from '@trikd/events/event-text';
import { emptyHistory } from '@trikd/events/run-history';
import { type Run, RunPhase, runPhaseToJSON, WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { isFinal, phaseIn } from '@trikd/protocol/run-phases';
import { unary } from '@trikd/transport/grpc/clients';
import type { Format } from '../../options/options.js';
import type { Asking } from '../../server/ask.js';
import { liveDisplay } from '../../terminal/display.js';
import { eventJson } from '../../terminal/json-messages.js';
import type { Colour, Paint } from '../../terminal/paint.js';
import { type Output, write } from '../../terminal/shell.js';
import { yaml as yamlOf } from '../../terminal/texts.js';

/** Shows the events of a run as they arrive. */
export interface Screen {
  readonly show: (message: WatchRunResponse) => void;
  readonly close: () => void;
}

/** Shows all events. Returns the exit status: 0 when the run completed, 1 when it failed or was cancelled. */
export async function showAll(messages: AsyncIterable<WatchRunResponse>, screen: Screen): Promise<number> {
  let last: RunPhase | undefined;
  try {
    for await (const message of messages) {
      last = phaseIn(message.event) ?? last;
      screen.show(message);
    }
  } finally {
    screen.close();
  }
  return last === RunPhase.RUN_PHASE_COMPLETED ? 0 : 1;
}

/** Prints a line, or a YAML document, for each event. */
export function lineScreen(output: { write(text: string): unknown }, format: Format, paint: Paint): Screen {
  const text = {
    table: (message: WatchRunResponse) => eventLine(message, paint),
    json: (message: WatchRunResponse) => JSON.stringify(WatchRunResponse.toJSON(message)),
    yaml: (message: WatchRunResponse) => `---\n${yamlOf(WatchRunResponse.toJSON(message))}`,
  }[format];
  return { show: (message) => write(output, `${text(message)}\n`), close: () => undefined };
}

/** Redraws the state of the run in place. */
export function liveScreen(terminal: Output): Screen {
  const { show, close } = liveDisplay(terminal, emptyHistory);
  return { show, close };
}

/** One event as a line for a person: when, its number, its stage, what. */
function eventLine(message: WatchRunResponse, paint: Paint): string {
  const { number, time } = message;
  const { event } = eventJson(message);
  const at = time ? time.toISOString().slice(11, 23) : '';
  const which = number > 0 ? eventName(number) : '';
  const stage = event && 'stage' in event.value ? `s${event.value.stage}` : '';
  const place = paint('dim', `${at.padEnd(12)} ${which.padStart(7)} ${stage.padStart(3)}`);
  return `${place}  ${event ? painted(sentenceOf(event), paint) : ''}`;
}

const COLOURS: Readonly<Record<Exclude<Tone, 'plain'>, Colour>> = { good: 'green', warning: 'yellow', bad: 'red' };

function painted({ tone, text }: ReturnType<typeof sentenceOf>, paint: Paint): string {
  return tone === 'plain' ? text : paint(COLOURS[tone], text);
}

/** What to wait for. */
export interface Awaited {
  readonly runId: string;
  readonly phases: readonly RunPhase[];
  /** Seconds. */
  readonly timeout: number;
}

/** Between two requests, in milliseconds. */
const INTERVAL = 300;
/** Time limit of one request, in seconds. */
const PATIENCE = 5;

/**
 * Returns the run as soon as it is in one of the phases. The orchestrator and the run may start later.
 * @throws TrikdError 'wrong-state' when the run ended in another phase, 'unavailable' when the time limit passed
 */
export async function awaitPhase({ client, how }: Asking, { runId, phases, timeout }: Awaited): Promise<Run> {
  const until = performance.now() + 1000 * timeout;
  for (;;) {
    const answer = await readRun(() =>
      unary(client.getRun.bind(client), { runId }, { ...how, deadlineSeconds: PATIENCE }),
    );
    if ('run' in answer && phases.includes(answer.run.phase)) return answer.run;
    const state = 'run' in answer ? runInPhase(runId, runPhaseToJSON(answer.run.phase)) : answer.why;
    if ('run' in answer && isFinal(answer.run.phase)) throw new TrikdError('wrong-state', state);
    if (performance.now() >= until) throw new TrikdError('unavailable', `${state} after ${timeout} s`);
    await pause(INTERVAL, undefined, { signal: how.signal });
  }
}

async function readRun(
  request: () => Promise<{ readonly run: Run | undefined }>,
): Promise<{ readonly run: Run } | { readonly why: string }> {
  try {
    const { run } = await request();
    return run ? { run } : { why: 'there is no such run' };
  } catch (error) {
    if (error instanceof TrikdError && ['unavailable', 'not-found'].includes(error.kind)) return { why: error.message };
    throw error;
  }
}
