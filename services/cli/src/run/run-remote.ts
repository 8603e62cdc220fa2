import { TrikdError } from '@trikd/core/domain/errors';
import { Run, RunPhase } from '@trikd/protocol/gen/node/trikd/v1/run';
import { unary } from '@trikd/transport/grpc/clients';
import { tagRun } from '../commands/runs/tag.js';
import { runDescription } from '../commands/runs/verbs.js';
import { lineScreen, liveScreen, showAll } from '../commands/runs/watch.js';
import type { RemoteRunOptions } from '../options/args.js';
import { loadSpec } from '../options/load-spec.js';
import { serverChoiceOf, withServer } from '../server/ask.js';
import { withErrorReport } from '../server/error-report.js';
import { follow } from '../server/follow.js';
import { paintFor } from '../terminal/paint.js';
import { isTerminal, print, type Shell } from '../terminal/shell.js';
import { formatted } from '../terminal/texts.js';

/** Seconds without a connection after which following ends. */
const PATIENCE = 60;

/** `trikd run --server`: creates a run at a running orchestrator and follows it. Reports the exit status. */
export async function runRemote(
  options: RemoteRunOptions,
  shell: Shell,
  finish: (status: number) => void,
): Promise<void> {
  const { requestId, placing, wait, output } = options;
  const spec = loadSpec(options.file, options.overrides);
  const runId = spec.name;
  await withErrorReport(shell, finish, { runId, requestId }, () =>
    withServer(serverChoiceOf(options), shell, async (asking) => {
      const { client, how } = asking;
      const wanted = {
        spec: JSON.stringify(spec),
        requestId,
        takeOver: false,
        ...placing,
      };
      const { run } = await unary(client.createRun.bind(client), wanted, how);
      if (!run) throw new TrikdError('invalid', `${how.what} answered without a run`);
      if (options.tags) await tagRun(asking, runId, { add: options.tags });
      if (!wait || run.phase === RunPhase.RUN_PHASE_COMPLETED) {
        return print(
          shell,
          output === 'table' ? runDescription(runId, run) : formatted(Object(Run.toJSON(run)), output),
        );
      }
      const live = isTerminal(shell.stdout) && output === 'table';
      const screen = live ? liveScreen(shell.stdout) : lineScreen(shell.stdout, output, paintFor(shell.stdout));
      finish(await showAll(follow(asking, { runId, fromEvent: 0, patience: PATIENCE }), screen));
    }),
  );
}
