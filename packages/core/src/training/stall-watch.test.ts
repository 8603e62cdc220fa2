import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { describe, expect, test } from 'vitest';
import type { TrainerEvent } from './ports.js';
import { createStallWatch } from './stall-watch.js';

function rig() {
  const clock = virtualClock();
  const reported: string[] = [];
  const emit = (event: TrainerEvent) => {
    if (event.kind === 'stalled') reported.push(`${clock.now()} ${event.on}: ${event.reason}`);
    if (event.kind === 'went-on') reported.push(`${clock.now()} ${event.on} went on`);
  };
  return { clock, reported, watch: createStallWatch({ clock, emit }, 15) };
}

describe('a wait', () => {
  test('is reported when it becomes long, and when it is over', async () => {
    const { clock, reported, watch } = rig();
    await clock.advance(4000);
    const frame = Promise.withResolvers<number>();
    const heard = watch.during('anchor', 'waiting for step 3 of the anchor', frame.promise);
    await clock.advance(40_000);
    frame.resolve(7);
    expect(await heard).toBe(7);
    expect(reported).toEqual(['19000 anchor: waiting for step 3 of the anchor for 15 s', '44000 anchor went on']);
    watch.end();
  });

  test('that is short is not reported, however many follow each other', async () => {
    const { clock, reported, watch } = rig();
    for (let step = 0; step < 20; step++) {
      const frame = Promise.withResolvers<void>();
      const heard = watch.during('teacher', `waiting for step ${step} of the teacher`, frame.promise);
      await clock.advance(14_000);
      frame.resolve();
      await heard;
    }
    expect(reported).toEqual([]);
    watch.end();
  });

  test('is reported independently of another one', async () => {
    const { clock, reported, watch } = rig();
    const never = new Promise<never>(() => {});
    void watch.during('anchor', 'waiting for step 3 of the anchor', never);
    await clock.advance(1000);
    void watch.during('student', 'waiting for step 3 of the student', never);
    await clock.advance(60_000);
    expect(reported).toEqual([
      '15000 anchor: waiting for step 3 of the anchor for 15 s',
      '16000 student: waiting for step 3 of the student for 15 s',
    ]);
    watch.end();
  });

  test('that fails ends silently, and nothing is reported after the end', async () => {
    const { clock, reported, watch } = rig();
    const gone = new Error('gone');
    await expect(watch.during('anchor', 'waiting', Promise.reject(gone))).rejects.toBe(gone);
    void watch.during('anchor', 'waiting', new Promise<never>(() => {}));
    watch.end();
    await clock.advance(60_000);
    expect(reported).toEqual([]);
    expect(clock.sleepers).toBe(0);
  });
});
