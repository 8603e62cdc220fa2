import type { GenerationResult } from '@trikd/core/run/state';
import type { Telemetry } from '@trikd/telemetry/telemetry';
import type { RunNews, RunView } from '../runs/ports.js';

/** Counts what is told of one run, and makes spans of its promotions. @param now milliseconds since 1970 */
export function newsCounter(telemetry: Telemetry, now: () => number): (news: RunNews) => void {
  let before: RunView['state'] | undefined;
  let judging: { readonly generation: number; readonly since: number } | undefined;
  // A counter that comes with its first count shows no increase.
  for (const counter of ['trikd.pairs', 'trikd.attempts', 'trikd.failures'] as const) telemetry.record(counter, 0);
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
    telemetry.record('trikd.training', state.phase === 'training' ? 1 : 0);
    if (state.phase === 'failed' && before?.phase !== 'failed') telemetry.record('trikd.failures', 1);
    if (state.phase === 'promoting') judging ??= { generation, since: now() };
    else if (judging) {
      const judged = state.results.find((result) => result.generation === judging?.generation);
      if (judged) tellJudged(telemetry, spec.name, judged, [judging.since, now()]);
      judging = undefined;
    }
    before = state;
  };
}

function tellJudged(
  telemetry: Telemetry,
  runId: string,
  { generation, promoted }: GenerationResult,
  [begun, ended]: readonly [number, number],
): void {
  telemetry.record('trikd.promotions', 1, { 'trikd.promoted': promoted });
  telemetry.span('trikd.promotion', begun, ended, {
    'trikd.run.id': runId,
    'trikd.generation': generation,
    'trikd.promoted': promoted,
  });
}
