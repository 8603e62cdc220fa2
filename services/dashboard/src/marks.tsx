import { phaseName } from '@trikd/events/names';
import type { RunPhase } from '@trikd/protocol/gen/browser/trikd/v1/run';

/** The phase of a run as a badge. */
export function Phase({ phase }: { readonly phase: RunPhase }) {
  const name = phaseName(phase);
  return <span class={`phase ${name}`}>{name}</span>;
}

/** A progress bar with the whole percent reached; a dash while the progress is unknown. */
export function Progress({ percent, label }: { readonly percent: number | undefined; readonly label: string }) {
  if (percent === undefined) return <span class="muted">–</span>;
  return (
    <span class="progress">
      <progress max={100} value={percent} aria-label={label} />
      <span class="number">{Math.floor(percent)} %</span>
    </span>
  );
}
