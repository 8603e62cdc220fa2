import type { RunEvent } from '@trikd/events/event';
import { primaryValue } from '@trikd/events/metric-text';
import { isGeneration, phaseName, roleName } from '@trikd/events/names';
import type { BestParams } from '@trikd/protocol/gen/browser/trikd/v1/trainer';

/** One line of JSON for a program, of an event that is worth one. */
export function recordOf(event: RunEvent): Readonly<Record<string, unknown>> | undefined {
  switch (event.$case) {
    case 'run': {
      const { stalls } = event.value;
      return { ...phaseRecord(event.value), ...(stalls.length > 0 && { stalls }) };
    }
    case 'phaseChanged':
      return phaseRecord(event.value);
    case 'generationEnded': {
      const { generation, stage, steps, promoted, learners = [] } = event.value.result ?? {};
      const scores = learners.map(({ participant, best }) => [participant, primaryValues(best)] as const);
      return {
        ...{ event: 'generation-ended', generation, ...namedStage(stage), steps, promoted },
        ...Object.fromEntries(scores),
      };
    }
    case 'anchorMoved': {
      const { kind = '', generation, during } = event.value.move ?? {};
      return { event: 'anchor-moved', by: kind.replace('ANCHOR_MOVE_KIND_', '').toLowerCase(), generation, during };
    }
    case 'stallsChanged':
      return { event: 'stalls', stalls: event.value.stalls };
    case 'evaluation': {
      const { participant, generation, evaluation } = event.value;
      const { step, validation } = evaluation ?? {};
      const { metrics, examples } = validation ?? {};
      return { event: 'evaluation', role: participant, generation, step, ...metrics, examples };
    }
    case 'committed':
      return { event: 'committed', ...event.value };
    case 'drained':
      return { event: 'drained', ...event.value };
    case 'alarm':
      return { event: 'alarm', role: event.value.participant, ...event.value.alarm };
    case 'trioIncident': {
      const { role, reason, message } = event.value;
      return { event: 'trio-incident', role: roleName(role), reason, message };
    }
    case 'missing':
      return { event: 'missing', ...event.value };
    case 'progress':
    case 'stepTimes':
    case 'slowStep':
      return undefined;
  }
}

interface Phase {
  readonly phase: string;
  readonly generation: number;
  readonly stage?: { readonly name: string } | undefined;
  readonly attempt: number;
  readonly failure: string;
}

function phaseRecord({ phase, generation, stage, attempt, failure }: Phase) {
  return {
    ...{ event: 'run', phase: phaseName(phase), generation, ...namedStage(stage?.name), attempt },
    ...(failure !== '' && { failure }),
  };
}

/** The name of a stage, where it says more than its index. */
export function namedStage(name: string | undefined): { readonly stage?: string } {
  return name === undefined || name === '' || isGeneration(name) ? {} : { stage: name };
}

function primaryValues(best: BestParams | undefined) {
  return { validation: primaryValue(best?.validation?.metrics), test: primaryValue(best?.test?.metrics) };
}
