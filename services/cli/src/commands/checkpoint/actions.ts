import { withErrorReport } from '../../server/error-report.js';
import { print, type Shell, withProgress } from '../../terminal/shell.js';
import type { CheckpointActions } from './command.js';
import { gc } from './gc.js';
import { list } from './list.js';
import { show } from './show.js';
import { verify } from './verify.js';

/** `trikd checkpoint ...`: prints the result and reports the exit status. */
export function checkpointActions(shell: Shell, finish: (status: number) => void): CheckpointActions {
  const { env } = shell;
  const offline = (runId: string, work: () => Promise<void>) =>
    withErrorReport(shell, finish, { runId, offline: true }, work);
  const conclude = ({ text, sound }: { readonly text: string; readonly sound: boolean }) => {
    print(shell, text);
    finish(sound ? 0 : 1);
  };
  return {
    gc: (options) => offline(options.runId, async () => print(shell, await gc(options, env))),
    list: (options) => offline(options.runId, async () => print(shell, await list(options, env, new Date()))),
    show: (options) => offline(options.runId, async () => conclude(await show(options, env))),
    verify: (options) =>
      offline(options.runId, async () => {
        const verified = withProgress(shell, (report) =>
          verify(options, env, (done, all) => report(`${done} of ${all} blobs read`)),
        );
        conclude(await verified);
      }),
  };
}
