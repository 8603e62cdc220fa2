import { join } from 'node:path';
import { type ServiceName, startService } from '@trikd/process/service-process';
import { expect, onTestFinished, test } from 'vitest';
import { casesOf } from './cases.js';
import { scratch } from './trikd.js';

const SERVICES = casesOf<ServiceName>(['student-trainer', 'orchestrator'], ['anchor-server', 'teacher-trainer']);
/** Nothing listens there: an orchestrator without runs calls no model. */
const UNUSED = '127.0.0.1:9';

function startIn(folder: string, name: ServiceName) {
  const models = { anchor: UNUSED, teacher: UNUSED, student: UNUSED, events: join(folder, 'events') };
  const started = startService(name, {
    settings: {
      'store.kind': 'folder',
      'store.path': join(folder, 'store'),
      ...(name === 'orchestrator' && models),
    },
    logs: join(folder, name),
    env: { PATH: process.env['PATH'] },
  });
  onTestFinished(started.kill);
  return started;
}

test.each(SERVICES)('%s tells by its exit status what has ended it in order', async (name) => {
  const folder = scratch();
  const ends = [
    ['SIGTERM', `the ${name} ended (in order, by SIGTERM)`],
    ['SIGINT', `the ${name} ended (in order, by SIGINT)`],
  ] as const;
  for (const [signal, sentence] of ends) {
    const { child, ready } = startIn(folder, name);
    const { ended } = await ready;
    child.kill(signal);
    expect(await ended).toBe(sentence);
  }
  const { child, ready } = startIn(folder, name);
  const { ended } = await ready;
  child.disconnect();
  expect(await ended).toBe(`the ${name} ended (status 0)`);
});
