import type { RunHistory } from '@trikd/events/run-history';
import { missingSentence } from '@trikd/events/sentences';
import { Configuration } from './configuration.js';
import { Curves } from './curves.js';
import { EventLog } from './event-log.js';
import { sentence } from './format.js';
import { Lineage } from './lineage.js';
import { SlowSteps } from './slow-steps.js';
import { StepTimes } from './step-times.js';
import { SystemMetrics } from './system-metrics.js';

interface RunViewProps {
  readonly history: RunHistory;
  /** Called when a request was accepted; absent in a report, which has no buttons. */
  readonly done?: () => void;
}

/** Everything that is known of a run: on its page and in its report. */
export function RunView({ history, done }: RunViewProps) {
  const { run, missing } = history;
  return (
    <>
      {missing && <p class="notice">{sentence(`${missingSentence(missing)}, so this page does not show them`)}</p>}
      {run && <Lineage run={run} generations={history.generations} {...(done && { done })} />}
      <Curves history={history} />
      {run && <Configuration spec={run.spec} />}
      <StepTimes windows={history.windows} run={run} />
      <SystemMetrics windows={history.windows} />
      <SlowSteps steps={history.slowSteps} run={run} />
      <EventLog log={history.log} run={run} />
    </>
  );
}
