import { hasEnded } from '@trikd/events/words';
import type { Run, RunPhase } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { api, requestId } from './api.js';
import { Confirm } from './confirm.js';

/** Asks RunService for something, by the verb of its path. */
export function steer(runId: string, verb: string, more: object = {}): Promise<unknown> {
  return api('POST', `/runs/${encodeURIComponent(runId)}:${verb}`, { requestId: requestId(), ...more });
}

const RUNNING: readonly RunPhase[] = [
  'RUN_PHASE_PREPARING',
  'RUN_PHASE_TRAINING',
  'RUN_PHASE_PROMOTING',
  'RUN_PHASE_WAITING',
];

/** What can be asked of a run as a whole. */
export function RunActions({ run, done }: { readonly run: Run; readonly done: () => void }) {
  const { runId, phase } = run;
  const ask = (verb: string) => () => steer(runId, verb).then(done);
  return (
    <section class="buttons actions" aria-label="Steer the run">
      {phase === 'RUN_PHASE_WAITING' && (
        <Confirm
          label="Begin the generation"
          question={`Begin generation ${run.generation}?`}
          consequence="Student and teacher start again from fresh random weights, beside the present anchor."
          act={ask('trigger')}
        />
      )}
      {RUNNING.includes(phase) && (
        <Confirm
          label="Pause"
          question={`Pause ${runId}?`}
          consequence="The run comes to rest at a committed pair and stays there until it is resumed. Nothing is lost."
          act={ask('pause')}
        />
      )}
      {(phase === 'RUN_PHASE_PAUSED' || phase === 'RUN_PHASE_FAILED') && (
        <Confirm
          label="Resume"
          question={`Resume ${runId}?`}
          consequence="The run goes on from its newest checkpoint."
          act={ask('resume')}
        />
      )}
      {!hasEnded(phase) && (
        <Confirm
          label="Cancel"
          danger
          question={`Cancel ${runId}?`}
          consequence="The run comes to rest and ends for good. What it has learned stays until it is deleted."
          act={ask('cancel')}
        />
      )}
      {hasEnded(phase) && (
        <Confirm
          label="Delete"
          danger
          question={`Delete ${runId}?`}
          consequence="The run and everything that it has stored, its models too, are removed for good."
          act={() =>
            api('DELETE', `/runs/${encodeURIComponent(runId)}`, { requestId: requestId() }).then(() => {
              window.location.hash = '#/';
            })
          }
        />
      )}
    </section>
  );
}
