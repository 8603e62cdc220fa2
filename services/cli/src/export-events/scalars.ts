import { Role } from '@trikd/protocol/gen/node/trikd/v1/common';
import type { Run, WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import type { RoleTimes, StepTimes } from '@trikd/protocol/gen/node/trikd/v1/timing';
import type { BestParams, TrainerProgress } from '@trikd/protocol/gen/node/trikd/v1/trainer';
import { roleName } from '../run-summary.js';
import { phaseNameOf } from './phase-name.js';
import type { Scalar } from './tf-record.js';

/** One value of one role in one generation. */
export interface RoleScalar extends Scalar {
  readonly generation: number;
  /** anchor, teacher or student. */
  readonly role: string;
}

/** The numbers in an event. Later events of the run repeat its results; `newScalars` drops them. */
export function scalarsOf({ event, time }: WatchRunResponse): readonly RoleScalar[] {
  const at = (time?.getTime() ?? 0) / 1000;
  switch (event?.$case) {
    case 'progress': {
      const { role, generation, progress } = event.value;
      if (!progress) return [];
      // The values are those of the step before the next one.
      const step = Math.max(0, progress.nextStep - 1);
      return named(progressValues(progress), { generation, role: roleName(role), step, time: at });
    }
    case 'evaluation': {
      const { role, generation, evaluation } = event.value;
      const { accuracy, nll } = evaluation?.validation ?? {};
      const values = { 'accuracy/validation': accuracy, 'nll/validation': nll };
      return named(values, { generation, role: roleName(role), step: evaluation?.step ?? 0, time: at });
    }
    case 'stepTimes':
      return event.value.roles.flatMap((times) => timeScalars(event.value, times, at));
    case 'run':
      return resultScalars(event.value, at);
    default:
      return [];
  }
}

function progressValues({ terms, waits, ...progress }: TrainerProgress): Readonly<Record<string, number>> {
  const losses = terms.map(({ part, value }) => [`loss/${part}`, value] as const);
  const shares = waits.map(({ peer, share }) => [`wait share/${roleText(peer)}`, share] as const);
  return {
    ...Object.fromEntries([...losses, ...shares]),
    'loss/all': terms.reduce((sum, { value }) => sum + value, 0),
    'accuracy/batch': progress.batchAccuracy,
    'training/steps per second': progress.stepsPerSecond,
    'training/gradient norm': progress.gradientNorm,
    'training/learning rate': progress.learningRate,
  };
}

/** Milliseconds of the steps of a few seconds, as values of the last of these steps. */
function timeScalars({ generation, firstStep, steps }: StepTimes, times: RoleTimes, at: number): readonly RoleScalar[] {
  const phases = times.phases.map(({ kind, peer, times: spread }) => [phaseNameOf(kind, peer), spread?.p50] as const);
  const values = {
    'milliseconds/step, median': times.step?.p50,
    'milliseconds/step, 95 in 100': times.step?.p95,
    'milliseconds/between steps, median': times.between?.p50,
    ...Object.fromEntries(phases.map(([name, value]) => [`milliseconds/${name}, median`, value])),
  };
  return named(values, { generation, role: roleText(times.role), step: firstStep + Math.max(0, steps - 1), time: at });
}

/** Scores on the test split, which is evaluated once, at the end of a generation. */
function resultScalars({ generations }: Run, at: number): readonly RoleScalar[] {
  return generations.flatMap(({ generation, student, teacher }) =>
    Object.entries({ student, teacher }).flatMap(([role, best]) => {
      const { accuracy, nll } = testOf(best);
      return named(
        { 'accuracy/test': accuracy, 'nll/test': nll },
        { generation, role, step: best?.step ?? 0, time: at },
      );
    }),
  );
}

function testOf(best: BestParams | undefined): { readonly accuracy?: number; readonly nll?: number } {
  return best?.test ?? {};
}

function named(
  values: Readonly<Record<string, number | undefined>>,
  of: Omit<RoleScalar, 'tag' | 'value'>,
): readonly RoleScalar[] {
  return Object.entries(values).flatMap(([tag, value]) => (value === undefined ? [] : [{ ...of, tag, value }]));
}

function roleText(role: Role): string {
  return role === Role.ROLE_ANCHOR ? 'anchor' : roleName(role);
}
