import { settingsIn } from '@trikd/core/spec/settings-in';
import { type ComparedRun, comparedRun } from '@trikd/events/compare-runs';
import { specIn } from '@trikd/events/spec-text';
import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';

/** What a run can be sorted and chosen by: numbers, and texts; times are ISO 8601. */
export type RunField = string | number;

/** Names of the fields that do not depend on task and spec. */
export const RUN_FIELDS = [
  ...[
    'run',
    'phase',
    'method',
    'seed',
    'generation',
    'steps',
    'seconds',
    'created',
    'changed',
    'ended',
    'owner',
    'team',
  ],
] as const;

/** The fields of a run by name: of the run, its metrics, its settings by path. Those that it does not have are absent. */
export function fieldsOf(run: Run): ReadonlyMap<string, RunField> {
  const compared = comparedRun(run);
  return new Map([...settingFields(run), ...metricFields(compared), ...ownFields(run, compared)]);
}

function ownFields(run: Run, { runId, phase, method, seed, steps, seconds }: ComparedRun) {
  const { generation, createTime, updateTime, endTime, owner } = run;
  const fields = {
    ...{ run: runId, phase, method, seed, generation, steps, seconds },
    ...{ created: createTime, changed: updateTime, ended: endTime, owner: owner?.subject, team: owner?.team },
  } satisfies Record<(typeof RUN_FIELDS)[number], RunField | undefined>;
  return Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}

function metricFields({ result }: ComparedRun): readonly (readonly [string, number])[] {
  if (!result) return [];
  const test = Object.entries(result.test ?? {}).map(([name, value]) => [`test.${name}`, value] as const);
  return [...Object.entries(result.validation), ...test];
}

function settingFields({ spec }: Run): readonly (readonly [string, RunField])[] {
  const settings = specIn(spec);
  if (settings === undefined) return [];
  return [...settingsIn(settings)].map(([path, json]) => {
    const value: unknown = JSON.parse(json);
    return [path, typeof value === 'number' || typeof value === 'string' ? value : json] as const;
  });
}
