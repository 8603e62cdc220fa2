import { eventName } from '@trikd/events/event-name';
import { lossText } from '@trikd/events/words';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { type Paint, paintedPhase } from '../paint.js';
import { roleName } from '../run-summary.js';
import { percent } from '../texts.js';

/** An event as a line for people: time, number, text. */
export function eventLine({ event, number, time }: WatchRunResponse, paint: Paint): string {
  const at = time ? time.toISOString().slice(11, 23) : '';
  const which = number > 0 ? eventName(number) : '';
  return `${paint('dim', `${at.padEnd(12)} ${which.padStart(7)}`)}  ${event ? textOf(event, paint) : ''}`;
}

function textOf(event: NonNullable<WatchRunResponse['event']>, paint: Paint): string {
  switch (event.$case) {
    case 'run': {
      const { phase, generation, attempt, failure, stalls } = event.value;
      const waits = stalls.map(({ by, on, reason }) => paint('yellow', `, the ${by} waits for the ${on}: ${reason}`));
      const why = failure === '' ? '' : `: ${paint('red', failure)}`;
      return `run ${paintedPhase(phase, paint)}, generation ${generation}, attempt ${attempt}${why}${waits.join('')}`;
    }
    case 'progress': {
      const { role, totalSteps, progress } = event.value;
      const terms = progress?.terms.map(({ part, value }) => ` ${part} ${lossText(value, 3)}`).join('') ?? '';
      const speed = progress ? `, ${progress.stepsPerSecond.toFixed(1)} steps/s` : '';
      return `${roleName(role)} step ${progress?.nextStep ?? 0}/${totalSteps}${terms}${speed}`;
    }
    case 'evaluation': {
      const { role, evaluation } = event.value;
      const score = evaluation?.validation;
      return `${roleName(role)} validated at step ${evaluation?.step ?? 0}: ${percent(score)}, NLL ${score ? lossText(score.nll, 4) : ''}`;
    }
    case 'committed':
      return `checkpoint of generation ${event.value.generation}, step ${event.value.step}`;
    case 'drained':
      return `drained: paused at step ${event.value.step} of generation ${event.value.generation}`;
    case 'alarm':
      return paint(
        'red',
        `${roleName(event.value.role)}, step ${event.value.alarm?.step ?? 0}: ${event.value.alarm?.message ?? ''}`,
      );
    case 'missing':
      return paint('yellow', `events from ${eventName(event.value.fromEvent)} on are no longer stored`);
    case 'stepTimes':
      return event.value.verdict;
    case 'slowStep': {
      const { generation, step, durationMs, usualMs } = event.value;
      return paint(
        'yellow',
        `slow: step ${step} of generation ${generation} took ${durationMs.toFixed(0)} ms, others ${usualMs.toFixed(0)} ms`,
      );
    }
  }
}
