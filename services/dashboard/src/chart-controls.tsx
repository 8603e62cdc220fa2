import type { ChartLook } from './chart.js';
import { Choice } from './choice.js';

/** Weights of the smoothing, by what they are called. */
const SMOOTHING = { none: 0, light: 0.6, strong: 0.9 } as const;

export const FIRST_LOOK: ChartLook = { smoothing: SMOOTHING.light, log: false, whole: false };

interface ChartControlsProps {
  readonly look: ChartLook;
  readonly change: (look: ChartLook) => void;
  /** Whether a plot has lines of batches. */
  readonly smooths: boolean;
}

/** How all plots of a page are drawn. */
export function ChartControls({ look, change, smooths }: ChartControlsProps) {
  return (
    <>
      {smooths && (
        <Choice
          label="Smoothing"
          value={String(look.smoothing)}
          options={Object.entries(SMOOTHING).map(([name, weight]) => [String(weight), name])}
          choose={(weight) => change({ ...look, smoothing: Number(weight) })}
        />
      )}
      <label>
        <input
          type="checkbox"
          checked={look.log}
          onChange={(event) => change({ ...look, log: event.currentTarget.checked })}
        />{' '}
        log scale
      </label>
      <label title="Without it, the first tenth of each stage may lie outside, so that later differences can be seen.">
        <input
          type="checkbox"
          checked={look.whole}
          onChange={(event) => change({ ...look, whole: event.currentTarget.checked })}
        />{' '}
        whole range
      </label>
    </>
  );
}
