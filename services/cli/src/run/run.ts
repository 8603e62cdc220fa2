import { setTimeout as delay } from 'node:timers/promises';
import { TrikdError } from '@trikd/core/domain/errors';
import { type RunState, resumePair } from '@trikd/core/run/state';
import type { SavedRun } from '@trikd/core/run/stored/run-store';
import { specDifferences } from '@trikd/core/spec/new-run';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { mostReplicas, stageAt, stagesOf } from '@trikd/core/stages/stages-of';
import { stageText } from '@trikd/events/names';
import { emptyHistory, withRun } from '@trikd/events/run-history';
import { Run, RunPhase, RunServiceClient, type WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { fromStatus } from '@trikd/protocol/status';
import { clientSecurity } from '@trikd/transport/access/security';
import type { Peer } from '@trikd/transport/grpc/channel';
import { openClient, unary } from '@trikd/transport/grpc/clients';
import { certificateFiles, tlsSettings } from '../commands/certs/tls-settings.js';
import { tagRun } from '../commands/runs/tag.js';
import type { RunOptions } from '../options/args.js';
import { loadSpec } from '../options/load-spec.js';
import { type Display, liveDisplay, quietDisplay } from '../terminal/display.js';
import { runJson } from '../terminal/json-messages.js';
import { isTerminal, print, type Shell, say } from '../terminal/shell.js';
import { assertFitsHere } from './data-limits.js';
import { reportJson, reportTable, whereItContinues } from './report.js';
import {
  chosenRunFolder,
  makeRunFolder,
  type RunFiles,
  type RunFolder,
  removeRun,
  runFiles,
  storedRun,
} from './run-folder.js';
import { assertFree, type Services, startServices } from './services.js';

/** `trikd run`. Returns the exit status. @throws TrikdError for everything that a user can correct */
export async function run(options: RunOptions, shell: Shell): Promise<number> {
  const { stdout, stderr, env } = shell;
  const spec = loadSpec(options.file, options.overrides);
  assertFitsHere(spec, env);
  const folder = chosenRunFolder(options.store, spec.name, env);
  if (options.listen !== undefined) await assertFree(options.listen);
  if (options.fresh) await removeRun(folder);
  const before = await storedRunFor(spec, folder, shell);
  const report = options.output === 'json' ? reportJson : reportTable;
  if (before?.state.phase === 'completed') {
    say(shell, `run ${spec.name} is already completed; --fresh starts it again`);
    print(shell, report(before, folder, options));
    return 0;
  }
  await makeRunFolder(folder);
  const live = isTerminal(stdout) && options.output === 'table';
  const first = withRun(emptyHistory, newRun(spec));
  const display = live ? liveDisplay(stdout, first) : quietDisplay(stdout, stderr, first, () => performance.now());
  const continuing = before && whereItContinues(before);
  if (continuing) display.say(continuing);
  const files = await runFiles(folder, () => new Date(), display.say);
  const outputs = { display, files };
  const failure = await train(spec, folder, options, outputs, shell);
  await files.close(spec);
  display.close();

  const after = await storedRun(folder);
  if (after) print(shell, report(after, folder, options));
  const { drained, run: last } = display.history();
  if (failure !== undefined) {
    say(shell, `trikd: ${failure}`);
    return 1;
  }
  if (last?.phase === 'RUN_PHASE_COMPLETED') return 0;
  if (last?.phase === 'RUN_PHASE_CANCELLED') {
    say(shell, `trikd: run ${spec.name} was cancelled; --fresh starts it again`);
    return 1;
  }
  if (!after || !whereItContinues(after)) say(shell, `run ${spec.name} was stopped before its first checkpoint`);
  else {
    const stage = drained && stageText(stagesOf(spec)[drained.stage]?.name, drained.stage);
    const place = drained ? `step ${drained.step} of ${stage}` : 'its last checkpoint';
    say(shell, `run ${spec.name} is paused at ${place}; the same command continues it`);
  }
  return 0;
}

/** A run before its first event. */
function newRun(spec: RunSpec): ReturnType<typeof runJson> {
  const phase = RunPhase.RUN_PHASE_QUEUED;
  const stages = stagesOf(spec);
  const { name, learners, frozen, decisive } = stageAt(spec, 0, false);
  const names = (models: readonly { readonly name: string }[]) => models.map((model) => model.name);
  const currentStage = { name, learners: names(learners), frozen: names(frozen), decisive };
  const known = { runId: spec.name, spec: JSON.stringify(spec), currentStage, stageCount: stages.length };
  return runJson(Run.fromPartial({ ...known, phase, attempt: 1 }));
}

/**
 * The stored run that a spec continues. One of another spec that failed before its first checkpoint is removed: a mistake in the data or
 * the engine can be corrected under the same name.
 * @throws TrikdError 'wrong-state' when the run of another spec has something to lose
 */
async function storedRunFor(spec: RunSpec, folder: RunFolder, shell: Shell): Promise<SavedRun | undefined> {
  const stored = await storedRun(folder);
  const differences = stored ? specDifferences(stored.spec, spec) : [];
  if (!stored || differences.length === 0) return stored;
  const list = differences.map((line) => `  ${line}`).join('\n');
  if (!failedBeforeAPair(stored.state)) {
    throw new TrikdError(
      'wrong-state',
      `run ${spec.name} exists with another spec:\n${list}\n` +
        'choose another name with --set name=..., or replace the run with --fresh',
    );
  }
  say(shell, `run ${spec.name} failed before its first checkpoint and starts again with another spec:\n${list}`);
  await removeRun(folder);
  return undefined;
}

/** Whether the run ended before its first checkpoint. One that has not failed may be running elsewhere. */
function failedBeforeAPair(state: RunState): boolean {
  return state.phase === 'failed' && state.results.length === 0 && resumePair(state) === undefined;
}

/** Where the events of a run go. */
interface Outputs {
  readonly display: Display;
  readonly files: RunFiles;
}

/** Trains until the run ends or is paused. Returns one sentence when it failed. All services have ended then. */
async function train(
  spec: RunSpec,
  folder: RunFolder,
  { listen, tls, inProcess, tags = [] }: Pick<RunOptions, 'listen' | 'tls' | 'inProcess' | 'tags'>,
  outputs: Outputs,
  { stdout, env, rest, end }: Shell,
): Promise<string | undefined> {
  if (rest.aborted) return undefined;
  const { display } = outputs;
  const { student, teacher } = mostReplicas(spec);
  const replicas = { student: student - 1, teacher: teacher - 1 };
  const options = { ...(listen !== undefined && { listen }), ...(tls !== undefined && { tls }), inProcess, replicas };
  const services = await startServices(folder, env, end, options);
  const { address, dashboard } = services;
  if (listen !== undefined) display.say(`the orchestrator listens on ${address}`);
  if (dashboard !== undefined && (listen !== undefined || isTerminal(stdout))) display.say(`dashboard: ${dashboard}`);
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= services.stop();
    return stopping;
  };
  const onRest = () => {
    display.say('pausing at the next step that both trainers reach; Ctrl-C again stops at once');
    void stop();
  };
  if (rest.aborted) onRest();
  else rest.addEventListener('abort', onRest, { once: true });
  try {
    return await follow({ spec, tags }, services, tls, outputs, rest);
  } finally {
    await stop();
    rest.removeEventListener('abort', onRest);
  }
}

/** Time for the death of a service to be noticed after its connection broke, in milliseconds. */
const POST_MORTEM = 2000;

/** A run to create. */
interface Wanted {
  readonly spec: RunSpec;
  readonly tags: readonly string[];
}

async function follow(
  wanted: Wanted,
  services: Services,
  tls: string | undefined,
  outputs: Outputs,
  rest: AbortSignal,
): Promise<string | undefined> {
  const client = openClient(RunServiceClient, services.address, tls === undefined ? undefined : ownPeer(tls));
  // The services of a run that is being paused end as intended.
  const failure = services.failure.then((sentence) => (rest.aborted ? undefined : sentence));
  try {
    return await Promise.race([watchToItsEnd(client, wanted, outputs), failure]);
  } catch (error) {
    const sentence = await Promise.race([failure, delay(POST_MORTEM, undefined, { ref: false })]);
    if (sentence !== undefined) return sentence;
    if (rest.aborted) return undefined;
    throw error;
  } finally {
    client.close();
  }
}

/** The command has the certificates of its services, and calls its orchestrator as the dashboard does: with the orchestrator's own. */
function ownPeer(tls: string): Peer {
  const trustDomain = tlsSettings(tls, 'orchestrator')['tls.trustDomain']!;
  const files = certificateFiles(tls, 'orchestrator');
  return { role: 'orchestrator', security: clientSecurity(files, trustDomain) };
}

async function watchToItsEnd(
  client: RunServiceClient,
  { spec, tags }: Wanted,
  { display, files }: Outputs,
): Promise<string | undefined> {
  const what = 'the orchestrator';
  try {
    const request = { spec: JSON.stringify(spec), requestId: '', takeOver: true, placement: undefined, team: '' };
    const how = { what, deadlineSeconds: 30 };
    await unary(client.createRun.bind(client), request, how);
    if (tags.length > 0) await tagRun({ client, how }, spec.name, { add: tags });
  } catch (error) {
    if (error instanceof TrikdError && error.kind === 'wrong-state') return error.message;
    throw error;
  }
  const messages: AsyncIterable<WatchRunResponse> = client.watchRun({
    runId: spec.name,
    fromEvent: 0,
    pastOnly: false,
  });
  try {
    for await (const message of messages) {
      display.show(message);
      await files.add(message);
    }
  } catch (error) {
    throw fromStatus(error, what);
  }
  const failure = display.history().run?.failure ?? '';
  return failure === '' ? undefined : `run ${spec.name} failed: ${failure}`;
}
