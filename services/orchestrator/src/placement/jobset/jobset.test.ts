import { TrikdError } from '@trikd/core/domain/errors';
import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { expect, test } from 'vitest';
import { claimOf, never, placementContract } from '../placement.contract.js';
import type { Claim, PlacementNews } from '../placement.js';
import { jobSetPlacement } from './jobset.js';
import type { KubernetesApi } from './kubernetes-api.js';
import { nameOf } from './objects.js';
import { fakeCluster } from './testing/fake-cluster.js';
import { template } from './testing/template.js';

/** A cluster whose queue admits two JobSets, and a placement in it. Time passes only when a test says so. */
function rig(change: Partial<KubernetesApi> = {}) {
  const clock = virtualClock();
  const cluster = fakeCluster({
    ...{ quota: 2, now: clock.now, random: () => 0.5 },
    after: (ms, happen) => void clock.sleep(ms).then(happen),
    start: () => ({ ready: () => true, end: (ended) => void clock.sleep(50).then(ended), kill: () => undefined }),
  });
  const lines: unknown[] = [];
  const note = (fields: unknown, message: unknown = fields) => void lines.push(message);
  const stopped = new AbortController();
  const placement = jobSetPlacement({
    ...{ api: { ...cluster.server.api, ...change }, clock, random: () => 0.5, stopped: stopped.signal, most: 5 },
    rules: { namespace: 'runs', instance: 'trikd', queue: 'main', priorityClasses: [] },
    templates: new Map([['cpu', template]]),
    defaultClass: 'cpu',
    log: { info: note, warn: note },
  });
  const nameFor = (claim: Claim) => nameOf(claim, 'trikd');
  /** What happens to the trio of a claim from now on. */
  const follow = (claim: Claim) => {
    const news: PlacementNews[] = [];
    void (async () => {
      for await (const each of placement.watch(claim, never)) news.push(each);
    })();
    return news;
  };
  const acquired = async (claim: Claim) => {
    const trio = placement.acquire(claim, never);
    await clock.advance(10_000);
    return trio;
  };
  const podOf = (claim: Claim, role: 'teacher' | 'student' | 'anchor', rank = 0) =>
    cluster.podOf(nameFor(claim), role, rank)!.metadata.name;
  return { ...{ clock, placement, cluster, lines, nameFor, follow, acquired, podOf, stopped } };
}

/** As in the world of the contract, where time passes by itself. */
placementContract(async () => {
  const { placement, clock, cluster, stopped } = rig();
  await clock.advance(0);
  const passing = setInterval(() => void clock.advance(1000), 1);
  passing.unref();
  stopped.signal.addEventListener('abort', () => clearInterval(passing));
  return {
    placement,
    drain: async (name) => cluster.server.api.delete(name, cluster.server.find('jobsets', name)!.metadata.uid),
    kill: async (name) => cluster.server.remove('jobsets', name),
  };
});

test('a claim that waits says why, in the words of the cluster', async () => {
  const { placement, clock, acquired } = rig();
  await acquired(claimOf('a'));
  await acquired(claimOf('b'));
  void placement.acquire(claimOf('c'), never);
  expect(placement.pending(claimOf('c'))).toMatchObject({ reason: 'Starting' });
  await clock.advance(10_000);
  expect(placement.pending(claimOf('c'))).toEqual({
    reason: 'QuotaWait',
    message: expect.stringContaining('insufficient unused quota'),
  });
  expect(placement.pending(claimOf('a'))).toBeUndefined();
});

test('a pod that is deleted comes back at another address, and its trio stays', async () => {
  const { clock, cluster, acquired, follow, podOf, nameFor } = rig();
  const claim = claimOf('a');
  const before = await acquired(claim);
  const news = follow(claim);
  cluster.deletePod(podOf(claim, 'teacher'));
  await clock.advance(10_000);
  const name = nameFor(claim);
  expect(news).toEqual([
    { kind: 'incident', role: 'teacher', reason: 'PodDeleted', message: expect.stringContaining('is being deleted') },
    { kind: 'lost', role: 'teacher', message: `the teacher of trio ${name} is being replaced` },
    { kind: 'lost', role: 'teacher', message: `the teacher of trio ${name} has no pod yet` },
    { kind: 'lost', role: 'teacher', message: `the teacher of trio ${name} is starting` },
    { kind: 'moved', trio: { ...before, teacher: expect.not.stringMatching(before.teacher) } },
  ]);
});

test('a pod of a replica is a part of its trio: it is waited for, and comes back at another address', async () => {
  const { clock, cluster, acquired, follow, podOf, nameFor } = rig();
  const claim = claimOf('a', 1, { replicas: { teacher: 1, student: 3 } });
  const before = await acquired(claim);
  const [first = '', second = ''] = before.replicas?.student ?? [];
  expect(new Set([before.student, first, second]).size).toBe(3);
  expect(before.replicas?.teacher).toEqual([]);
  const news = follow(claim);
  cluster.deletePod(podOf(claim, 'student', 1));
  await clock.advance(10_000);
  const who = `replica 1 of the student of trio ${nameFor(claim)}`;
  expect(news.slice(0, 2)).toMatchObject([
    { kind: 'incident', role: 'student', message: expect.stringContaining(who) },
    { kind: 'lost', role: 'student', message: `${who} is being replaced` },
  ]);
  const replicas = { teacher: [], student: [expect.not.stringMatching(first), second] };
  expect(news.at(-1)).toEqual({ kind: 'moved', trio: { ...before, replicas } });
});

test('a container that runs out of memory is an incident, and is back at the same address', async () => {
  const { clock, cluster, acquired, follow, podOf } = rig();
  const claim = claimOf('a');
  await acquired(claim);
  const news = follow(claim);
  cluster.crash(podOf(claim, 'student'), { exitCode: 137, reason: 'OOMKilled' });
  await clock.advance(5000);
  expect(news.map(({ kind }) => kind)).toEqual(['incident', 'lost', 'back']);
  expect(news[0]).toMatchObject({ role: 'student', reason: 'OOMKilled' });
});

test.each<[string, (all: ReturnType<typeof rig>) => void]>([
  ['is suspended', ({ cluster, nameFor }) => cluster.preempt(nameFor(claimOf('a')))],
  ['loses a pod to the drain of its node', ({ cluster, podOf }) => cluster.evict(podOf(claimOf('a'), 'anchor'))],
])('a trio that %s is preempted', async (_, strike) => {
  const all = rig();
  await all.acquired(claimOf('a'));
  const news = all.follow(claimOf('a'));
  strike(all);
  await all.clock.advance(100);
  expect(news.filter(({ kind }) => kind !== 'incident')[0]?.kind).toBe('preempted');
});

test('nothing is said about a trio while Kubernetes is away, nor when it is back', async () => {
  let away = false;
  const down = () => new TrikdError('unavailable', 'connection refused');
  const all = rig();
  const { api } = all.cluster.server;
  const guarded = rig({
    list: async (kind) => (away ? Promise.reject(down()) : api.list(kind)),
    get: async (name) => (away ? Promise.reject(down()) : api.get(name)),
    create: async (jobSet) => api.create(jobSet),
    watch: (kind, version, signal) => api.watch(kind, version, signal),
  });
  const claim = claimOf('a');
  const trio = guarded.placement.acquire(claim, never);
  for (let second = 0; second < 10; second++) {
    await all.clock.advance(1000);
    await guarded.clock.advance(1000);
  }
  await trio;
  const news = guarded.follow(claim);
  away = true;
  all.cluster.server.breakWatches();
  await guarded.clock.advance(180_000);
  away = false;
  await guarded.clock.advance(180_000);
  expect(news).toEqual([]);
  expect(guarded.lines).toEqual(['waiting for Kubernetes', 'Kubernetes answers again']);
});

test('a change behind a watch that has gone silent is found within a minute', async () => {
  const { clock, cluster, acquired, follow, podOf } = rig();
  const claim = claimOf('a');
  await acquired(claim);
  const news = follow(claim);
  cluster.server.muteWatches();
  cluster.deletePod(podOf(claim, 'teacher'), true);
  await clock.advance(61_000);
  expect(news.map(({ kind }) => kind)).toEqual(['moved']);
});

test('a watch from a version that the server has forgotten begins anew', async () => {
  const { clock, cluster, acquired, follow, podOf } = rig();
  const claim = claimOf('a');
  await acquired(claim);
  const news = follow(claim);
  cluster.server.breakWatches();
  cluster.deletePod(podOf(claim, 'teacher'), true);
  cluster.server.compact();
  await clock.advance(15_000);
  expect(news.at(-1)?.kind).toBe('moved');
});

test('a JobSet of that name by another maker is refused, and left alone', async () => {
  const { placement, clock, cluster, nameFor } = rig();
  const { server } = cluster;
  server.add('jobsets', { metadata: server.metadata(nameFor(claimOf('a'))), spec: {} });
  const refused = expect(placement.acquire(claimOf('a'), never)).rejects.toMatchObject({ kind: 'wrong-state' });
  await clock.advance(1000);
  await refused;
  expect(server.find('jobsets', nameFor(claimOf('a')))).toBeDefined();
});

test('a JobSet that cannot be created is tried again, and its run says why it waits', async () => {
  let full = true;
  const { placement, clock, cluster } = rig({
    create: async (jobSet) => {
      if (full) throw new TrikdError('exhausted', 'exceeded quota: count/jobsets');
      return cluster.server.api.create(jobSet);
    },
  });
  const trio = placement.acquire(claimOf('a'), never);
  await clock.advance(1000);
  expect(placement.pending(claimOf('a'))).toEqual({
    ...{ reason: 'QuotaWait', message: 'the JobSet cannot be created: exceeded quota: count/jobsets' },
  });
  full = false;
  await clock.advance(30_000);
  expect(await trio).toMatchObject({ name: expect.stringMatching(/^trikd-/) });
});

test('an answer that is late does not undo what the watch has brought since', async () => {
  const all: ReturnType<typeof rig> = rig({
    async create(jobSet) {
      const made = await all.cluster.server.api.create(jobSet);
      await all.clock.sleep(5000);
      return made;
    },
  });
  expect(await all.acquired(claimOf('a'))).toMatchObject({ name: all.nameFor(claimOf('a')) });
  const news = all.follow(claimOf('a'));
  await all.clock.advance(10_000);
  expect(news).toEqual([]);
});

test('a JobSet whose deletion fails is listed again, and can be released again', async () => {
  let refusals = 0;
  const { placement, clock, cluster, acquired } = rig({
    delete: async (name, uid) => {
      refusals += 1;
      if (refusals === 1) throw new TrikdError('unavailable', 'timeout');
      return cluster.server.api.delete(name, uid);
    },
  });
  const claim = claimOf('a');
  await acquired(claim);
  await placement.release(claim);
  expect(await placement.list()).toEqual([]);
  await clock.advance(10_000);
  expect((await placement.list()).map(({ runId }) => runId)).toEqual(['a']);
  await placement.release(claim);
  await clock.advance(10_000);
  expect([await placement.list(), cluster.server.all('jobsets')]).toEqual([[], []]);
});

test('a JobSet of another uid than the one that was given is not deleted', async () => {
  const { clock, cluster, acquired, nameFor, placement } = rig();
  const claim = claimOf('a');
  await acquired(claim);
  const { server } = cluster;
  const name = nameFor(claim);
  server.muteWatches();
  const before = server.find('jobsets', name)!;
  server.remove('jobsets', name);
  server.add('jobsets', { ...before, metadata: { ...before.metadata, uid: 'another' } });
  await placement.release(claim);
  await clock.advance(1000);
  expect(server.find('jobsets', name)?.metadata.deletionTimestamp).toBeUndefined();
});

test('a class is refused by name, and the known ones are listed', () => {
  const { placement } = rig();
  expect(() => placement.assertPossible({ class: 'gpu' })).toThrow('there is no class gpu: there are cpu');
  expect(() => placement.assertPossible({})).not.toThrow();
});

test('trios are counted by what can be done with them', async () => {
  const { placement, clock, cluster, acquired, podOf } = rig();
  await acquired(claimOf('a'));
  await acquired(claimOf('b'));
  expect(placement.states()).toEqual({ taken: 2, ready: 3, draining: 0, away: 0 });
  cluster.deletePod(podOf(claimOf('a'), 'teacher'));
  await placement.release(claimOf('b'));
  await clock.advance(10);
  expect(placement.states()).toEqual({ taken: 0, ready: 4, draining: 1, away: 1 });
});
