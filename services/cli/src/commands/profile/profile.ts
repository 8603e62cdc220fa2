import { writeFile } from 'node:fs/promises';
import type { Dataset } from '@trikd/core/data/split';
import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { isRemote, type Stage } from '@trikd/core/stages/stage';
import { stagesOf } from '@trikd/core/stages/stages-of';
import { ownData } from '@trikd/model-host/data/load-dataset';
import { loadNetworks } from '@trikd/model-host/load-networks';
import { loadSpec } from '../../options/load-spec.js';
import { assertFitsHere, datasetOf, ownLimits } from '../../run/data-limits.js';
import type { TaskProgress } from '../../run/task-process.js';
import type { Shell } from '../../terminal/shell.js';
import { formatted } from '../../terminal/texts.js';
import type { ProfileOptions } from './command.js';
import { chromeTrace, opCosts } from './op-costs.js';
import type { ProfiledModel, ProfiledStep } from './profiled-model.js';
import { type ProfiledParticipant, profileText } from './text.js';

/** Steps before the traced ones: TensorFlow makes its kernels in the first. */
const WARM_UP = 2;

/** `trikd profile`. Returns the text to print. @throws TrikdError for everything that a user can correct */
export async function profileRun(options: ProfileOptions, env: Shell['env'], progress: TaskProgress): Promise<string> {
  const spec = loadSpec(options.file, options.overrides);
  assertFitsHere(spec, env);
  if (options.together && spec.engine.device === 'gpu') {
    throw new TrikdError('invalid', 'TensorFlow traces one session of a GPU at a time: leave out --together');
  }
  const { out = `${spec.name}-profile.json`, format } = options;
  const stage = chosenStage(spec, options.stage);
  const names = chosenParticipants(stage, options.participants);
  const { modules, admission } = ownData(ownLimits(env));
  await loadNetworks(spec, modules, admission);
  const dataset = await datasetOf(spec, env);
  const profiles = await profiledSteps(options, { spec, stage, dataset }, names, progress);
  const participants = profiles.map(({ model, steps }) => summaryOf(model, steps, spec));
  const traces = profiles.map(({ model, steps }) => ({ name: model.name, ops: steps.flatMap(({ ops }) => ops) }));
  await written(out, chromeTrace(traces));
  if (format === 'table') return profileText(participants, out);
  return formatted({ run: spec.name, stage: stage.name, participants, trace: out }, format);
}

/** @throws TrikdError 'invalid' for a name that no stage has */
function chosenStage(spec: RunSpec, name: string | undefined): Stage {
  const stages = stagesOf(spec);
  const size = ({ learners, frozen }: Stage) => learners.length + frozen.length;
  const most = Math.max(...stages.map(size));
  const stage = stages.find((each) => (name === undefined ? size(each) === most : each.name === name));
  if (stage) return stage;
  throw new TrikdError(
    'invalid',
    `run ${spec.name} has no stage ${name}; it has ${stages.map((each) => each.name).join(', ')}`,
  );
}

/** Those that this machine computes. @throws TrikdError 'invalid' for a name that none of them has */
function chosenParticipants({ name, learners, frozen }: Stage, wanted: readonly string[]): ReadonlySet<string> {
  const here = [...learners, ...frozen.filter((each) => !isRemote(each))].map((each) => each.name);
  const unknown = wanted.filter((each) => !here.includes(each));
  if (unknown.length === 0) return new Set(wanted.length === 0 ? here : wanted);
  throw new TrikdError(
    'invalid',
    `stage ${name} computes no ${unknown.join(', ')} here; it computes ${here.join(', ')}`,
  );
}

interface Profiled {
  readonly model: ProfiledModel;
  readonly steps: readonly ProfiledStep[];
}

interface Profiling {
  readonly spec: RunSpec;
  readonly stage: Stage;
  readonly dataset: Dataset;
}

/** Opens and steps the participants: all at once, or each when the one before it is closed. */
async function profiledSteps(
  { steps, together }: ProfileOptions,
  of: Profiling,
  names: ReadonlySet<string>,
  progress: TaskProgress,
): Promise<readonly Profiled[]> {
  // TensorFlow takes a second to load, and a mistake in the spec is reported before.
  const { openFrozen, openLearner } = await import('./profiled-model.js');
  const openers = [
    ...of.stage.learners.map((learner) => ({ name: learner.name, open: () => openLearner(of, learner) })),
    ...of.stage.frozen.flatMap((frozen) =>
      isRemote(frozen) ? [] : [{ name: frozen.name, open: () => openFrozen(of, frozen) }],
    ),
  ].filter(({ name }) => names.has(name));
  const groups = together ? [openers] : openers.map((opener) => [opener]);
  const all = (WARM_UP + steps) * groups.length;
  const profiled: Profiled[] = [];
  for (const group of groups) {
    const models: ProfiledModel[] = [];
    try {
      for (const { open } of group) models.push(await open());
      const taken: (readonly ProfiledStep[])[] = [];
      for (let step = 0; step < WARM_UP + steps; step++) {
        taken.push(await Promise.all(models.map((model) => model.step(step))));
        progress('profiling', (WARM_UP + steps) * groups.indexOf(group) + step + 1, all);
      }
      const traced = taken.slice(WARM_UP);
      profiled.push(...models.map((model, index) => ({ model, steps: traced.map((each) => each[index]!) })));
    } finally {
      for (const model of models) await model.close();
    }
  }
  return profiled;
}

function summaryOf(
  { name, program }: ProfiledModel,
  steps: readonly ProfiledStep[],
  spec: RunSpec,
): ProfiledParticipant {
  const times = steps.map(({ ms }) => ms).toSorted((one, other) => one - other);
  return {
    name,
    steps: steps.length,
    stepMs: times[Math.floor(times.length / 2)]!,
    threads: spec.engine.threads,
    ...opCosts(
      steps.map(({ ops }) => ops),
      program.shapes,
    ),
  };
}

async function written(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw new TrikdError('invalid', `cannot write ${path}: ${messageOf(error)}`);
  }
}
