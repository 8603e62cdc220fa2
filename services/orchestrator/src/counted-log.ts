import type { Telemetry } from '@trikd/platform/telemetry/telemetry';
import type { EventLog } from './event-log.js';
import type { RunNews, RunView } from './ports.js';

/** The same log, whose events are counted, and whose promotions become spans. @param now milliseconds since 1970 */
export function countedLog(log: EventLog, telemetry: Telemetry, now: () => number): EventLog {
  const seen = runCounter(telemetry, now);
  return {
    ...log,
    write: (news) => {
      seen(news);
      log.write(news);
    },
  };
}

function runCounter(telemetry: Telemetry, now: () => number): (news: RunNews) => void {
  let before: RunView['state'] | undefined;
  let judgingSince: number | undefined;
  return (news) => {
    if (news.kind === 'committed') telemetry.record('trikd.pairs', 1);
    if (news.kind !== 'run') return;
    const { state, spec } = news;
    const { generation, attempt } = state;
    const another = generation !== before?.generation || attempt !== before.attempt;
    if (another) {
      telemetry.record('trikd.generation', generation);
      telemetry.record('trikd.attempts', 1);
    }
    if (state.phase === 'failed' && before?.phase !== 'failed') telemetry.record('trikd.failures', 1);
    if (state.phase === 'promoting') judgingSince ??= now();
    const judged = state.results.at(-1);
    if (state.phase !== 'promoting' && judgingSince !== undefined) {
      if (judged) {
        telemetry.record('trikd.promotions', 1, { 'trikd.promoted': judged.promoted });
        telemetry.span('trikd.promotion', judgingSince, now(), {
          'trikd.run.id': spec.name,
          'trikd.generation': state.results.length - 1,
          'trikd.promoted': judged.promoted,
        });
      }
      judgingSince = undefined;
    }
    before = state;
  };
}
