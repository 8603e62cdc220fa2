import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { bestStage } from '@trikd/core/run/promotion';
import type { SavedRun } from '@trikd/core/run/run-store';
import { resumePair } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { stagesOf } from '@trikd/core/stages/stages-of';
import { stageText } from '@trikd/events/names';
import { type StartedWith, whatNext } from './next-command.js';
import { stageOf } from './participants.js';
import { resultsTable } from './results-table.js';
import type { RunFolder } from './run-folder.js';
import { placeInStore } from './run-store.js';
import { shownResults } from './stored-results.js';

/** Where a stored run continues, as a sentence; undefined when it has not started. */
export function whereItContinues({ spec, state }: SavedRun): string | undefined {
  if (state.phase === 'completed') return undefined;
  const step = resumePair(state)?.step ?? 0;
  if (state.generation === 0 && step === 0) return undefined;
  const from = state.phase === 'promoting' ? 'its promotion' : step === 0 ? 'its beginning' : `step ${step}`;
  const { generation } = state;
  const stages = stagesOf(spec).length;
  const stage = stageText(stageOf(spec, generation).name, generation);
  return `continuing run ${spec.name}: ${stage} (${generation + 1} of ${stages}), from ${from}`;
}

/** The result of a run, for people. */
export function reportTable({ spec, state }: SavedRun, folder: RunFolder, started: StartedWith): string {
  const best = bestStage(state.results, spec);
  return [
    ...(state.results.length > 0 ? [resultsTable(shownResults(spec, state.results), best)] : []),
    ...(best === undefined ? [] : [`result       ${resultText(spec, state, best, folder)}`]),
    `checkpoints  ${shownStore(folder)}`,
    `logs         ${place(folder.logs)}, events ${place(folder.events)}`,
    ...(existsSync(folder.report) ? [`report       ${place(folder.report)}`] : []),
    `curves       tensorboard --logdir ${place(folder.tensorboard)}`,
    ...(state.phase === 'completed' ? [`next         ${whatNext(spec, state.results, started)}`] : []),
  ].join('\n');
}

/** The model that the run is for, and where its params are. @param best the index of its stage */
function resultText(spec: RunSpec, { results }: SavedRun['state'], best: number, folder: RunFolder): string {
  const { name, decisive } = stageOf(spec, best);
  const key = results[best]?.learners[decisive]?.best.params.key;
  return `the ${decisive} of ${stageText(name, best)}: ${shownStore(folder, key)}`;
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
    bestGeneration: bestStage(state.results, spec),
    generations: state.results,
    ...(state.phase === 'failed' && { failure: state.reason }),
    store: placeInStore(folder.store),
    logs: folder.logs,
    events: folder.events,
    tensorboard: folder.tensorboard,
    ...(existsSync(folder.report) && { report: folder.report }),
  });
}
