import type { PhaseChanged, RunEvent } from '@trikd/core/run/run-event';
import type { StageResult } from '@trikd/core/run/state';
import type { Telemetry } from '@trikd/telemetry/telemetry';

/** Counts the events of one run, and makes spans of its promotions. @param now milliseconds since 1970 */
export function eventCounter(telemetry: Telemetry, runId: string, now: () => number): (event: RunEvent) => void {
  let before: PhaseChanged | undefined;
  let judging: { readonly stage: number; readonly since: number } | undefined;
  // A counter whose first value is its first count shows no increase.
  for (const counter of ['trikd.pairs', 'trikd.attempts', 'trikd.failures'] as const) telemetry.record(counter, 0);

  const phaseChanged = (event: PhaseChanged) => {
    const { phase, stage, attempt } = event;
    const another = stage !== before?.stage || attempt !== before.attempt;
    if (another) {
      telemetry.record('trikd.stage', stage);
      telemetry.record('trikd.attempts', 1);
    }
    if (phase === 'failed' && before?.phase !== 'failed') telemetry.record('trikd.failures', 1);
    if (phase !== 'promoting') judging = undefined;
    else judging ??= { stage, since: now() };
    before = event;
  };
  return (event) => {
    if (event.kind === 'pair-committed') telemetry.record('trikd.pairs', 1);
    if (event.kind === 'stage-ended' && event.result.stage === judging?.stage) {
      countJudged(telemetry, runId, event.result, [judging.since, now()]);
    }
    if (event.kind === 'phase-changed') phaseChanged(event);
  };
}

function countJudged(
  telemetry: Telemetry,
  runId: string,
  { stage, promoted }: StageResult,
  [begun, ended]: readonly [number, number],
): void {
  telemetry.record('trikd.promotions', 1, { 'trikd.promoted': promoted });
  telemetry.span('trikd.promotion', begun, ended, {
    'trikd.run.id': runId,
    'trikd.stage': stage,
    'trikd.promoted': promoted,
  });
}
