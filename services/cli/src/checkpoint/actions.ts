import { withProgress } from '../progress.js';
import { print, type Shell } from '../shell.js';
import type { CheckpointActions } from './command.js';
import { gc } from './gc.js';
import { list } from './list.js';
import { show } from './show.js';
import { verify } from './verify.js';

/** `trikd checkpoint ...`: prints, and tells the exit status. */
export function checkpointActions(shell: Shell, finish: (status: number) => void): CheckpointActions {
  const { env } = shell;
  const conclude = ({ text, sound }: { readonly text: string; readonly sound: boolean }) => {
    print(shell, text);
    finish(sound ? 0 : 1);
  };
  return {
    gc: async (options) => print(shell, await gc(options, env)),
    list: async (options) => print(shell, await list(options, env, new Date())),
    show: async (options) => conclude(await show(options, env)),
    verify: async (options) => {
      const verified = withProgress(shell, (tell) =>
        verify(options, env, (done, all) => tell(`${done} of ${all} blobs read`)),
      );
      conclude(await verified);
    },
  };
}
