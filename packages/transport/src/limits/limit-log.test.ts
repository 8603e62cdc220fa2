import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { expect, test } from 'vitest';
import { limitLog } from './limit-log.js';

test('a thousand closed connections are two lines, the second with the number of those between', async () => {
  const lines: unknown[] = [];
  const clock = virtualClock();
  const note = limitLog({ warn: (line: unknown) => lines.push(line) }, clock);
  for (let connection = 0; connection < 1000; connection += 1) note('too many');
  await clock.advance(10_000);
  note('too many');
  expect(lines).toEqual([{ reason: 'too many' }, { reason: 'too many', others: 999 }]);
});
