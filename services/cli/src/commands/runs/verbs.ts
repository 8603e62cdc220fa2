import { runSentences } from '@trikd/events/event-text';
import type { Run } from '@trikd/protocol/gen/node/trikd/v1/run';
import { unary } from '@trikd/transport/grpc/clients';
import type { Verb } from '../../server/steering.js';
import { runJson } from '../../terminal/json-messages.js';

/** The state of a run, in one sentence and a line for each thing that holds it up. */
export function runDescription(runId: string, run: Run | undefined): string {
  return run ? runSentences(runJson(run)).join('\n') : `run ${runId} exists`;
}

const pause: Verb = {
  name: 'pause',
  summary: 'Pauses a run at a checkpoint of both models until it is resumed.',
  example: '  $ trikd runs pause tiny',
  request: async ({ client, how }, { runId, requestId }) =>
    (await unary(client.pauseRun.bind(client), { runId, requestId }, how)).run,
  describe: runDescription,
};

const resume: Verb = {
  name: 'resume',
  summary: 'Continues a paused run, or one that failed for a reason that may be gone.',
  example: '  $ trikd runs resume tiny',
  request: async ({ client, how }, { runId, requestId }) =>
    (await unary(client.resumeRun.bind(client), { runId, requestId }, how)).run,
  describe: runDescription,
};

const cancel: Verb = {
  name: 'cancel',
  summary: 'Stops a run at a checkpoint and ends it. Its checkpoints and results stay.',
  example: '  $ trikd runs cancel tiny',
  request: async ({ client, how }, { runId, requestId }) =>
    (await unary(client.cancelRun.bind(client), { runId, requestId }, how)).run,
  describe: runDescription,
};

const remove: Verb = {
  name: 'delete',
  summary: 'Deletes a run that has ended, with everything that it has stored.',
  example: '  $ trikd runs delete tiny\n  $ trikd runs delete tiny --yes',
  question: (runId) => `Delete run ${runId} with all its checkpoints and results?`,
  request: async ({ client, how }, { runId, requestId }) => {
    await unary(client.deleteRun.bind(client), { runId, requestId }, how);
    return undefined;
  },
  describe: (runId) => `run ${runId} is deleted; its files are being removed`,
};

/** The verbs of `trikd runs`, in the order of its help. */
export const runVerbs: readonly Verb[] = [pause, resume, cancel, remove];
