import { createLogUpdate } from 'log-update';
import type { CheckpointActions } from './command.js';
import { gc } from './gc.js';
import { list } from './list.js';
import { show } from './show.js';
import { verify } from './verify.js';

/** `trikd checkpoint ...`: prints, and sets the exit status of the process. */
export function checkpointActions(env: Readonly<Record<string, string | undefined>>): CheckpointActions {
  const finish = ({ text, sound }: { readonly text: string; readonly sound: boolean }) => {
    console.log(text);
    process.exitCode = sound ? 0 : 1;
  };
  return {
    gc: async (options) => console.log(await gc(options, env)),
    list: async (options) => console.log(await list(options, env, new Date())),
    show: async (options) => finish(await show(options, env)),
    verify: async (options) => {
      // On standard error, and only where somebody looks on: standard output has the result alone.
      const draw = process.stderr.isTTY ? createLogUpdate(process.stderr) : undefined;
      const progress = (done: number, all: number) => draw?.(`${done} of ${all} blobs read`);
      finish(await verify(options, env, progress).finally(() => draw?.clear()));
    },
  };
}
