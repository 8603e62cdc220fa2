import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { expect, test } from 'vitest';
import { limitLog } from './limit-log.js';

test('a thousand closed connections are two lines, the second with the number of those between, and all are counted', async () => {
  const lines: unknown[] = [];
  const clock = virtualClock();
  let counted = 0;
  const note = limitLog({ warn: (line: unknown) => lines.push(line) }, clock, () => {
    counted += 1;
  });
  for (let connection = 0; connection < 1000; connection += 1) note('too many', 'limits.connections');
  await clock.advance(10_000);
  note('too many', 'limits.connections');
  expect(lines).toEqual([{ reason: 'too many' }, { reason: 'too many', others: 999 }]);
  expect(counted).toBe(1001);
});
