import { createLogUpdate } from 'log-update';
import { isTerminal, print, type Shell } from '../shell.js';
import type { CheckpointActions } from './command.js';
import { gc } from './gc.js';
import { list } from './list.js';
import { show } from './show.js';
import { verify } from './verify.js';

/** `trikd checkpoint ...`: prints, and tells the exit status. */
export function checkpointActions(shell: Shell, finish: (status: number) => void): CheckpointActions {
  const { env, stderr } = shell;
  const conclude = ({ text, sound }: { readonly text: string; readonly sound: boolean }) => {
    print(shell, text);
    finish(sound ? 0 : 1);
  };
  return {
    gc: async (options) => print(shell, await gc(options, env)),
    list: async (options) => print(shell, await list(options, env, new Date())),
    show: async (options) => conclude(await show(options, env)),
    verify: async (options) => {
      // On standard error, and only where somebody looks on: standard output has the result alone.
      const draw = isTerminal(stderr) ? createLogUpdate(stderr) : undefined;
      const progress = (done: number, all: number) => draw?.(`${done} of ${all} blobs read`);
      conclude(await verify(options, env, progress).finally(() => draw?.clear()));
    },
  };
}
