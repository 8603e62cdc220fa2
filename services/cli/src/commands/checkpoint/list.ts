import type { LearnerPart } from '@trikd/core/checkpoint/manifest';
import { primaryText, stageText } from '@trikd/events/names';
import Table from 'cli-table3';
import { inOrderOf, stageOf } from '../../run/participants.js';
import { age, formatted, size } from '../../terminal/texts.js';
import { bytesOf, catalogue, type Entry } from './catalogue.js';
import type { ListOptions } from './command.js';
import { type OpenRun, openRun } from './open-run.js';

/** `trikd checkpoint list`. Returns what it prints. */
export async function list(
  { runId, from, output }: ListOptions,
  env: Readonly<Record<string, string | undefined>>,
  now: Date,
): Promise<string> {
  const run = await openRun(runId, from, env);
  const entries = await catalogue(run);
  return output === 'table' ? listTable(run, entries, now) : formatted(listed(run, entries), output);
}

/** The checkpoints of a run as a table, and a line with their number. */
export function listTable(
  { spec, state }: Pick<OpenRun, 'spec' | 'state'>,
  entries: readonly Entry[],
  now: Date,
): string {
  const { stage: stageIndex } = state;
  const stage = stageText(stageOf(spec, stageIndex).name, stageIndex);
  const phase = `run ${spec.name}: ${state.phase}, ${stage}, attempt ${state.attempt}`;
  if (entries.length === 0) return `${phase}; no checkpoint yet`;
  const learners = inOrderOf(
    spec,
    entries.flatMap(({ manifest }) => Object.keys(manifest?.learners ?? {})),
  );
  const table = new Table({
    head: ['stage/step-attempt', 'status', 'age', 'size', ...learners, ''],
    colAligns: ['right', 'left', 'right', 'right', ...learners.map(() => 'right' as const), 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const { name, status, writtenAt, manifest, marks } of entries) {
    table.push([
      name,
      status,
      age(writtenAt, now),
      manifest ? size(bytesOf(manifest)) : '',
      ...learners.map((name) => primaryText(manifest?.learners[name]?.best?.validation.metrics) ?? ''),
      marks.join(', '),
    ]);
  }
  const counts = (['live', 'orphan', 'damaged', 'gone'] as const)
    .map((status) => [entries.filter((entry) => entry.status === status).length, status] as const)
    .filter(([count]) => count > 0);
  const refusals = entries.flatMap(({ name, refusal }) => (refusal ? [`${name}: ${refusal.message}`] : []));
  return [phase, table.toString(), counts.map(([count, status]) => `${count} ${status}`).join(', '), ...refusals].join(
    '\n',
  );
}

function listed({ spec, state }: OpenRun, entries: readonly Entry[]): object {
  return {
    runId: spec.name,
    phase: state.phase,
    stage: state.stage,
    attempt: state.attempt,
    checkpoints: entries.map(({ manifest, refusal, ...entry }) => ({
      ...entry,
      ...(manifest && {
        bytes: bytesOf(manifest),
        ...Object.fromEntries(
          Object.entries(manifest.learners).flatMap(([name, { best }]) => (best ? [[name, bestOf(best)]] : [])),
        ),
      }),
      ...(refusal && { problem: refusal.message }),
    })),
  };
}

function bestOf({ step, validation, test }: NonNullable<LearnerPart['best']>): object {
  return { step, validation, ...(test && { test }) };
}
