import { expect, test } from 'vitest';
import { createLogger } from './logging.js';

test('a child logger binds the run, and every line is one JSON object', () => {
  const lines: string[] = [];
  const stream = { write: (line: string) => void lines.push(line) };
  const log = createLogger({ level: 'info' }, 'student-trainer', stream).child({ runId: 'r', stage: 2 });
  log.debug('not this');
  log.info({ step: 7 }, 'checkpoint saved');
  const [line, ...more] = lines.map((text): unknown => JSON.parse(text));
  expect(more).toEqual([]);
  expect(line).toMatchObject({
    service: 'student-trainer',
    runId: 'r',
    stage: 2,
    step: 7,
    msg: 'checkpoint saved',
  });
});
