import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { bestGeneration } from '@trikd/core/run/promotion';
import type { SavedRun } from '@trikd/core/run/run-store';
import { resumePair } from '@trikd/core/run/state';
import { taskOf } from '@trikd/core/tasks/task-of';
import { type StartedWith, whatNext } from './next-command.js';
import { resultsTable } from './results-table.js';
import type { RunFolder } from './run-folder.js';
import { placeInStore } from './run-store.js';

/** Where a stored run continues, as a sentence; undefined when it has not started. */
export function whereItContinues({ spec, state }: SavedRun): string | undefined {
  if (state.phase === 'completed') return undefined;
  const step = resumePair(state)?.step ?? 0;
  if (state.generation === 0 && step === 0) return undefined;
  const from = state.phase === 'promoting' ? 'its promotion' : step === 0 ? 'its beginning' : `step ${step}`;
  return `continuing run ${spec.name}: generation ${state.generation} (${state.generation + 1} of ${spec.curriculum.generations}), from ${from}`;
}

/** The result of a run, for people. */
export function reportTable({ spec, state }: SavedRun, folder: RunFolder, started: StartedWith): string {
  const best = bestGeneration(state.results, taskOf(spec).primary);
  const student = best === undefined ? undefined : state.results[best]?.student;
  return [
    ...(state.results.length > 0 ? [resultsTable(state.results, best)] : []),
    ...(student ? [`result       the student of generation ${best}: ${shownStore(folder, student.params.key)}`] : []),
    `checkpoints  ${shownStore(folder)}`,
    `logs         ${place(folder.logs)}, events ${place(folder.events)}`,
    ...(existsSync(folder.report) ? [`report       ${place(folder.report)}`] : []),
    `curves       tensorboard --logdir ${place(folder.tensorboard)}`,
    ...(state.phase === 'completed' ? [`next         ${whatNext(spec, state.results, started)}`] : []),
  ].join('\n');
}

function shownStore({ store }: RunFolder, key?: string): string {
  const text = placeInStore(store, key);
  return store.kind === 'folder' ? place(text) : text;
}

/** A path below the current folder, relative to it. */
function place(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}

/** The result of a run, for programs: one line of JSON. */
export function reportJson({ spec, state }: SavedRun, folder: RunFolder): string {
  return JSON.stringify({
    event: 'result',
    runId: spec.name,
    phase: state.phase,
    bestGeneration: bestGeneration(state.results, taskOf(spec).primary),
    generations: state.results,
    ...(state.phase === 'failed' && { failure: state.reason }),
    store: placeInStore(folder.store),
    logs: folder.logs,
    events: folder.events,
    tensorboard: folder.tensorboard,
    ...(existsSync(folder.report) && { report: folder.report }),
  });
}
