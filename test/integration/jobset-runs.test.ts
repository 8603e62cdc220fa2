import { createLogger } from '@trikd/process/logging';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { afterEach, expect, test, vi } from 'vitest';
import { serveInCluster } from './cluster-rig.js';
import { cleanUp, gateAt, heldUntilLimited, lastRun, resultOf, specOf, undisturbed } from './orchestrator-rig.js';
import { LONG } from './steering-rig.js';

afterEach(cleanUp);

/** A log, and the messages in it that a test looks at. */
function logOf(...wanted: readonly string[]) {
  const lines: { readonly msg: string; readonly kind?: string }[] = [];
  const write = (line: string) => {
    const parsed = JSON.parse(line);
    if (wanted.includes(parsed.msg)) lines.push(parsed);
  };
  return { lines, log: createLogger({ level: 'info' }, 'orchestrator', { write }) };
}

test('a run gets a JobSet, ends like a run that was alone, and leaves nothing behind', async () => {
  const { served, cluster } = await serveInCluster(memoryStore(), {}, logOf().log);
  await served.create(specOf());
  expect(resultOf(lastRun(await served.watch('trial')))).toEqual(resultOf(await undisturbed()));
  await vi.waitFor(() => expect(cluster.server.all('jobsets')).toEqual([]), { timeout: 20_000 });
});

test('a run waits for a trainer whose pod is killed, and goes on at its new address in the same JobSet', async () => {
  const held = gateAt(1, 5);
  const { log, lines } = logOf('phase changed', 'attempt lost');
  const { served, cluster, podOf } = await serveInCluster(memoryStore(), held, log);
  await served.create(specOf(LONG));
  await held.reached;
  cluster.deletePod(podOf('student'), true);
  held.open();
  expect(resultOf(lastRun(await served.watch('trial')))).toEqual(resultOf(await undisturbed(LONG)));
  expect((await served.get('trial'))?.placement?.number).toBe(1);
  expect(lines.filter(({ msg }) => msg === 'attempt lost').length).toBeGreaterThan(0);
});

test('a trainer is assigned the addresses of its replicas; a replica whose pod is lost costs an attempt', async () => {
  const held = gateAt(1, 5);
  const { log, lines } = logOf('attempt lost');
  const { served, cluster, podOf, models } = await serveInCluster(memoryStore(), held, log);
  const { student } = specOf(LONG);
  const replicated = { ...LONG, student: { ...student, replicas: 2 } };
  await served.create(specOf(replicated));
  await held.reached;
  cluster.deletePod(podOf('student', 1), true);
  await vi.waitFor(() => expect(lines).not.toEqual([]), { timeout: 20_000 });
  held.open();
  expect(resultOf(lastRun(await served.watch('trial')))).toEqual(resultOf(await undisturbed(replicated)));
  const [trainer, first, second] = models.map((each) => each.student);
  const assigned = new Set(trainer!.requests.flatMap(({ replicas }) => replicas));
  expect([...assigned]).toEqual([first!.address, second!.address]);
  expect([first!.requests, second!.requests]).toEqual([[], []]);
});

test('a run whose JobSet is suspended rests, and goes on in another one without having lost a retry', async () => {
  const held = heldUntilLimited(1, 5);
  const { log, lines } = logOf('phase changed', 'attempt lost');
  const { served, cluster } = await serveInCluster(memoryStore(), held, log);
  await served.create(specOf(LONG));
  await held.reached;
  cluster.preempt(cluster.server.all('jobsets')[0]?.metadata.name ?? '');
  await vi.waitFor(async () => expect((await served.get('trial'))?.placement?.number).toBe(2), { timeout: 20_000 });
  expect(resultOf(lastRun(await served.watch('trial')))).toEqual(resultOf(await undisturbed(LONG)));
  expect(lines.filter(({ msg, kind }) => msg === 'attempt lost' || kind).map(({ kind }) => kind)).toEqual([
    'preempted',
  ]);
});

test('a container that runs out of memory is an event of its run, and a line in the log', async () => {
  const held = gateAt(0, 1);
  const { log, lines } = logOf('trio incident');
  const { served, cluster, podOf } = await serveInCluster(memoryStore(), held, log);
  await served.create(specOf());
  await held.reached;
  cluster.crash(podOf('teacher'), { exitCode: 137, reason: 'OOMKilled' });
  await vi.waitFor(() => expect(lines).toMatchObject([{ runId: 'trial', role: 'teacher', kind: 'OOMKilled' }]));
  held.open();
  const incidents = [];
  for await (const { event } of served.client.watchRun({ runId: 'trial', fromEvent: 1, pastOnly: false })) {
    if (event?.$case === 'trioIncident') incidents.push(event.value);
  }
  expect(incidents).toMatchObject([{ reason: 'OOMKilled', message: expect.stringContaining('exit status 137') }]);
});
