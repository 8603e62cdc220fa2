import type { Verb } from '@trikd/core/run/verbs';
import { GetCallerResponse, type Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { useEffect, useState } from 'preact/hooks';
import { api, requestId } from '../api.js';
import { Confirm } from '../controls.js';
import { capital } from '../format.js';
import { possibleVerbs } from './lineage-of.js';
import { learnerIn, namingOf, stageIn } from './stages.js';

/** Sends a request to steer a run. @param verb the last part of its path, as in `/runs/ID:pause` */
export function steer(runId: string, verb: string, more: object = {}): Promise<unknown> {
  return api('POST', `/runs/${encodeURIComponent(runId)}:${verb}`, { requestId: requestId(), ...more });
}

function deleteRun(runId: string): Promise<unknown> {
  return api('DELETE', `/runs/${encodeURIComponent(runId)}`, { requestId: requestId() });
}

interface RunActionsProps {
  readonly run: Run;
  /** What the server allows to the page: `steer`, `delete`. */
  readonly allowed: readonly string[];
  /** Called when a request was accepted. */
  readonly done: () => void;
}

/** Buttons for what can be asked of a run as a whole. */
export function RunActions({ run, allowed, done }: RunActionsProps) {
  const { runId } = run;
  const verbs = possibleVerbs(run);
  const can = (verb: Verb) => verbs.includes(verb) && allowed.includes(verb === 'deleted' ? 'delete' : 'steer');
  const { word, title } = namingOf(run);
  const request = (verb: string) => () => steer(runId, verb).then(done);
  return (
    <section class="buttons actions" aria-label="Steer the run">
      {can('triggered') && (
        <Confirm
          label={`Start the ${word}`}
          question={`Start ${title(run.stage)}?`}
          consequence={startSentence(run)}
          act={request('trigger')}
        />
      )}
      {can('paused') && (
        <Confirm
          label="Pause"
          question={`Pause ${runId}?`}
          consequence="The run saves a checkpoint and stops until it is resumed. Nothing is lost."
          act={request('pause')}
        />
      )}
      {can('resumed') && (
        <Confirm
          label="Resume"
          question={`Resume ${runId}?`}
          consequence="The run continues from its newest checkpoint."
          act={request('resume')}
        />
      )}
      {can('cancelled') && (
        <Confirm
          label="Cancel"
          danger
          question={`Cancel ${runId}?`}
          consequence="The run saves a checkpoint and ends for good. Its models are kept until it is deleted."
          act={request('cancel')}
        />
      )}
      {can('deleted') && (
        <Confirm
          label="Delete"
          danger
          question={`Delete ${runId}?`}
          consequence="The run, its models and its history are deleted for good."
          act={() =>
            deleteRun(runId).then(() => {
              window.location.hash = '#/';
            })
          }
        />
      )}
    </section>
  );
}

/** `Student and teacher start from new random weights, beside the current anchor.` */
function startSentence(run: Run): string {
  const { learners, frozen } = stageIn(run, run.stage);
  const isFresh = learners.every((name) => learnerIn(run, run.stage, name)?.init === 'fresh');
  const verb = learners.length === 1 ? 'starts' : 'start';
  const from = isFresh ? ' from new random weights' : '';
  const beside = frozen.map((name) => `the current ${name}`).join(' and ');
  return `${capital(learners.join(' and '))} ${verb}${from}${beside === '' ? '' : `, beside ${beside}`}.`;
}

/** What a server may allow its callers besides `view`. */
const ALL = ['steer', 'delete'];

/** What the server allows to this page: `view`, `steer`, `delete`; nothing before it has answered. */
export function useVerbs(): readonly string[] {
  const [verbs, setVerbs] = useState<readonly string[]>([]);
  useEffect(() => {
    // Without an answer the page offers everything: each request is checked anyway.
    api('GET', '/caller').then(
      (answer) => setVerbs(GetCallerResponse.fromJSON(answer).verbs),
      () => setVerbs(ALL),
    );
  }, []);
  return verbs;
}
