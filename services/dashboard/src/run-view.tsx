import type { RunHistory } from '@trikd/events/run-history';
import { Curves } from './curves.js';
import { EventLog } from './event-log.js';
import { Lineage } from './lineage.js';
import { SlowSteps } from './slow-steps.js';
import { StepTimes } from './step-times.js';

interface RunViewProps {
  readonly history: RunHistory;
  /** Told when something was asked of the run; absent where nothing can be. */
  readonly done?: () => void;
}

/** All that is known of a run: on its page, and in its report. */
export function RunView({ history, done }: RunViewProps) {
  const { run, missing } = history;
  return (
    <>
      {missing && (
        <p class="notice">
          The events before number {missing.firstKept} are not kept any more: what they told is not shown.
        </p>
      )}
      {run && <Lineage run={run} generations={history.generations} {...(done && { done })} />}
      <Curves history={history} />
      <StepTimes windows={history.windows} />
      <SlowSteps steps={history.slowSteps} />
      <EventLog log={history.log} />
    </>
  );
}
