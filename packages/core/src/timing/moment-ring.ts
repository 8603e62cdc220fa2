import { STEP_MOMENTS, type StepMoment, type TimedMoment } from './moments.js';

/**
 * The moments of the latest steps, in typed arrays rather than objects, so that memory is constant once the ring is
 * full.
 */
export interface MomentRing {
  /** Adds a moment. A new step takes the place of the one `capacity` steps earlier. */
  keep(step: number, moments: readonly TimedMoment[]): void;
  /** Whether a step is still in the ring. */
  has(step: number): boolean;
  /** The moments of a step that is still in the ring. */
  find(step: number): readonly TimedMoment[] | undefined;
}

const CODES: ReadonlyMap<StepMoment, number> = new Map(STEP_MOMENTS.map((moment, code) => [moment, code]));
/** Moments per step that the ring has room for: each of them once, and one more. */
const ROOM = STEP_MOMENTS.length + 1;
/** Steps for which memory is allocated at once. */
const PAGE = 64;

interface Page {
  readonly steps: Float64Array;
  readonly counts: Uint8Array;
  readonly codes: Uint8Array;
  readonly times: Float64Array;
}

function newPage(): Page {
  return {
    steps: new Float64Array(PAGE).fill(-1),
    counts: new Uint8Array(PAGE),
    codes: new Uint8Array(PAGE * ROOM),
    times: new Float64Array(PAGE * ROOM),
  };
}

/** @param capacity steps, about 100 bytes each */
export function createMomentRing(capacity: number): MomentRing {
  const pages = new Map<number, Page>();
  const placeOf = (step: number) => {
    const slot = step % capacity;
    return { page: Math.floor(slot / PAGE), slot: slot % PAGE };
  };
  /** Index of a step that is still in the ring. */
  const kept = (step: number) => {
    const { page: number, slot } = placeOf(step);
    const page = pages.get(number);
    return page?.steps[slot] === step ? { page, slot } : undefined;
  };
  return {
    keep(step, moments) {
      const place = placeOf(step);
      const page = pages.get(place.page) ?? newPage();
      pages.set(place.page, page);
      const first = place.slot * ROOM;
      // The last moment is the end of the step.
      const fitting = moments.length <= ROOM ? moments : [...moments.slice(0, ROOM - 1), ...moments.slice(-1)];
      for (const [index, { moment, at }] of fitting.entries()) {
        page.codes[first + index] = CODES.get(moment) ?? 0;
        page.times[first + index] = at;
      }
      page.counts[place.slot] = fitting.length;
      page.steps[place.slot] = step;
    },
    has: (step) => kept(step) !== undefined,
    find(step) {
      const place = kept(step);
      if (!place) return undefined;
      const { page, slot } = place;
      const first = slot * ROOM;
      return Array.from({ length: page.counts[slot] ?? 0 }, (_, index) => ({
        moment: STEP_MOMENTS[page.codes[first + index] ?? 0] ?? 'done',
        at: page.times[first + index] ?? 0,
      }));
    },
  };
}
