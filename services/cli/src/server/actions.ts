import { createInterface } from 'node:readline/promises';
import { queueOf } from '@trikd/events/queue';
import { Run } from '@trikd/protocol/gen/node/trikd/v1/run';
import { RUN_PHASES } from '@trikd/protocol/run-phases';
import type { GenerationActions } from '../commands/generation/command.js';
import { stagesJson, stagesText } from '../commands/generation/list.js';
import type { QueueOptions } from '../commands/queue/command.js';
import { QUEUE_PHASES, queueJson, queueText } from '../commands/queue/queue.js';
import type { RunsActions } from '../commands/runs/command.js';
import { allRuns } from '../commands/runs/list.js';
import { getRun, readingActions } from '../commands/runs/reading-actions.js';
import { tagsAfter } from '../commands/runs/tag.js';
import { runDescription } from '../commands/runs/verbs.js';
import { awaitPhase, lineScreen, liveScreen, showAll } from '../commands/runs/watch.js';
import type { Format } from '../options/options.js';
import { runJson as snapshotOf } from '../terminal/json-messages.js';
import { paintFor } from '../terminal/paint.js';
import { printable } from '../terminal/printable.js';
import { isTerminal, print, type Shell, say, withProgress } from '../terminal/shell.js';
import { formatted } from '../terminal/texts.js';
import { type Asking, type ServerChoice, withServer } from './ask.js';
import { type ErrorContext, withErrorReport } from './error-report.js';
import { follow } from './follow.js';

/** The commands that call an orchestrator. */
export interface ServerActions {
  readonly runs: RunsActions;
  readonly generation: GenerationActions;
  queue(options: QueueOptions): Promise<void>;
}

/** They print their result and report the exit status. */
export function serverActions(shell: Shell, finish: (status: number) => void): ServerActions {
  const { stdout } = shell;
  const paint = paintFor(stdout);
  const ask = (choice: ServerChoice, about: ErrorContext, work: (asking: Asking) => Promise<void>) =>
    withErrorReport(shell, finish, about, () => withServer(choice, shell, work));
  const show = (format: Format, text: () => string, json: () => object) =>
    print(shell, format === 'table' ? text() : formatted(json(), format));
  const steer: RunsActions['steer'] = async (verb, options) => {
    const { runId, requestId, stage, output } = options;
    if (!options.yes) {
      const answer = await confirm(verb.question?.(runId) ?? '', shell);
      if (answer !== 'yes') return finish(answer === 'no' ? 1 : 2);
    }
    await ask(options, { runId, requestId }, async (asking) => {
      const asked = verb.request(asking, { runId, requestId, stage });
      const run = await waiting(`${verb.name} ${runId}`, asked, shell);
      show(
        output,
        () => verb.describe(runId, run),
        () => runJson(run),
      );
    });
  };
  const runs: RunsActions = {
    steer,
    ...readingActions(shell, finish),
    tag: ({ runId, add, remove, output, ...choice }) =>
      ask(choice, { runId }, async (asking) => {
        const tags = await tagsAfter(asking, runId, { add, remove });
        show(
          output,
          () => (tags.length > 0 ? tags.join('\n') : `run ${runId} has no tags`),
          () => ({ tags }),
        );
      }),
    wait: ({ runId, phases, output, ...choice }) =>
      ask(choice, { runId }, async (asking) => {
        const wanted = phases.map((name) => RUN_PHASES[name]);
        const found = awaitPhase(asking, { runId, phases: wanted, timeout: choice.timeout });
        const run = await waiting(`waiting for run ${runId}`, found, shell);
        show(
          output,
          () => runDescription(runId, run),
          () => runJson(run),
        );
      }),
    watch: ({ runId, output, fromEvent, patience, ...choice }) =>
      ask(choice, { runId }, async (asking) => {
        // A stream would wait for a server that does not answer.
        await getRun(asking, runId);
        const live = isTerminal(stdout) && output === 'table' && fromEvent === 0;
        const screen = live ? liveScreen(stdout) : lineScreen(stdout, output, paint);
        finish(await showAll(follow(asking, { runId, fromEvent, patience }), screen));
      }),
  };
  const list: GenerationActions['list'] = ({ runId, output, ...choice }) =>
    ask(choice, { runId }, async (asking) => {
      const run = await getRun(asking, runId);
      show(
        output,
        () => stagesText(run),
        () => stagesJson(run),
      );
    });
  const queue: ServerActions['queue'] = ({ output, ...choice }) =>
    ask(choice, {}, async (asking) => {
      const { runs: found } = await allRuns(asking, QUEUE_PHASES);
      const present = queueOf(found.map(snapshotOf));
      show(
        output,
        () => queueText(present, new Date(), paint),
        () => queueJson(present),
      );
    });
  return { runs, generation: { steer, list }, queue };
}

function runJson(run: Run | undefined): object {
  return run ? Object(Run.toJSON(run)) : {};
}

/** Asks a question at the terminal. `no-terminal` without one. */
async function confirm(question: string, shell: Shell): Promise<'yes' | 'no' | 'no-terminal'> {
  const { stdin, stderr, rest } = shell;
  if (!stdin.isTTY || !stderr.isTTY) {
    say(shell, `trikd: ${question} Confirm with --yes.`);
    return 'no-terminal';
  }
  const terminal = createInterface({ input: stdin, output: stderr });
  const answer = await terminal
    .question(`${printable(question)} [y/N] `, { signal: rest })
    .finally(() => terminal.close());
  if (/^y(es)?$/i.test(answer.trim())) return 'yes';
  say(shell, 'nothing was changed');
  return 'no';
}

/** Between two redraws, in milliseconds. */
const INTERVAL = 200;

/** Shows what a command waits for, and for how long. */
async function waiting<T>(what: string, work: Promise<T>, shell: Shell): Promise<T> {
  return await withProgress(shell, async (report) => {
    const started = performance.now();
    const seconds = () => ((performance.now() - started) / 1000).toFixed(0);
    const timer = setInterval(() => report(`${what}: ${seconds()} s`), INTERVAL);
    return await work.finally(() => clearInterval(timer));
  });
}
