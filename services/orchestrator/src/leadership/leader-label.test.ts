import { TrikdError } from '@trikd/core/domain/errors';
import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { expect, test } from 'vitest';
import type { Pod } from '../placement/jobset/objects.js';
import { fakeApiServer } from '../placement/jobset/testing/fake-api-server.js';
import {
  keepLeaderLabel,
  LEADER_LABEL,
  labelsToChange,
  type OrchestratorPod,
  type OrchestratorPods,
  TERM_ANNOTATION,
} from './leader-label.js';

/** @param term in which the pod leads by its label; absent: it has no label */
function pod(name: string, term?: number | string): OrchestratorPod {
  const metadata = { name, uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
  if (term === undefined) return { metadata };
  const marks = { labels: { [LEADER_LABEL]: 'true' }, annotations: { [TERM_ANNOTATION]: String(term) } };
  return { metadata: { ...metadata, ...marks } };
}

test.each([
  ['a leader labels its own pod', [pod('a'), pod('b')], 2, { a: 2 }],
  ['a leader removes the label of the leader before it', [pod('a'), pod('b', 1), pod('c', 1)], 2, { a: 2, b: 0, c: 0 }],
  ['a leader has nothing to do when its pod alone is labelled', [pod('a', 2), pod('b')], 2, {}],
  ['a leader that is elected again corrects its term', [pod('a', 2)], 3, { a: 3 }],
  ['a leader gives way to a later one', [pod('a', 2), pod('b', 3)], 2, { a: 0 }],
  ['a leader that has given way leaves the labels alone', [pod('a'), pod('b', 3)], 2, {}],
  ['a label without a term is older than every leader', [pod('a'), pod('b', 'x')], 1, { a: 1, b: 0 }],
  ['a leader without a pod labels none', [pod('b')], 2, {}],
  ['a follower removes the label of its own pod', [pod('a', 2), pod('b')], undefined, { a: 0 }],
  ['a follower leaves the other pods alone', [pod('a'), pod('b', 2)], undefined, {}],
] as const)('%s', (_, pods, term, expected) => {
  const changes = labelsToChange(pods, 'a', term);
  expect(Object.fromEntries(changes.map((each) => [each.pod.metadata.name, each.term ?? 0]))).toEqual(expected);
});

test('a label with another value is none', () => {
  const { metadata } = pod('b', 9);
  const other = { metadata: { ...metadata, labels: { [LEADER_LABEL]: 'false' } } };
  expect(labelsToChange([pod('a', 1), other], 'a', 1)).toEqual([]);
});

/** An installation of two orchestrators, at an API server that may be away for one of them. */
function rig() {
  const clock = virtualClock();
  const server = fakeApiServer(clock.now);
  const stopped = new AbortController();
  const away = new Set<string>();
  const lines: unknown[] = [];
  const note = (fields: unknown, message: unknown = fields) => void lines.push(message);
  const podsFor = (name: string): OrchestratorPods => {
    const assertThere = () => {
      if (away.has(name)) throw new TrikdError('unavailable', 'no answer in 15 s');
    };
    return {
      async list() {
        assertThere();
        return server.all('pods');
      },
      async label({ pod, term }) {
        assertThere();
        const marks = term === undefined ? {} : { labels: { [LEADER_LABEL]: 'true' } };
        const annotations = term === undefined ? {} : { [TERM_ANNOTATION]: String(term) };
        server.update('pods', pod.metadata.name, ({ spec, metadata: { labels: _, ...metadata } }: Pod) => ({
          ...{ spec, metadata: { ...metadata, ...marks, annotations } },
        }));
      },
    };
  };
  const start = (pod: string) =>
    keepLeaderLabel({
      ...{ pods: podsFor(pod), pod, clock, random: () => 1, stopped: stopped.signal },
      log: { info: note, warn: note },
    });
  for (const name of ['a', 'b']) server.add('pods', { metadata: server.metadata(name), spec: { containers: [] } });
  const labelled = () => {
    const pods = server.all('pods').filter(({ metadata }) => metadata.labels?.[LEADER_LABEL] === 'true');
    return pods.map(({ metadata }) => metadata.name);
  };
  return { clock, server, stopped, away, lines, labelled, a: start('a'), b: start('b') };
}

test('the label is where the leader is, from one leader to the next', async () => {
  const { clock, labelled, a, b } = rig();
  await clock.advance(1);
  expect(labelled()).toEqual([]);
  a.leads(1);
  await clock.advance(1);
  expect(labelled()).toEqual(['a']);
  a.leads(undefined);
  await clock.advance(1);
  expect(labelled()).toEqual([]);
  b.leads(2);
  await clock.advance(1);
  expect(labelled()).toEqual(['b']);
});

test('a new leader removes the label of one that is away, which gives way when it is back', async () => {
  const { clock, away, labelled, a, b } = rig();
  a.leads(1);
  await clock.advance(1);
  away.add('a');
  b.leads(2);
  await clock.advance(1);
  expect(labelled()).toEqual(['b']);
  away.delete('a');
  await clock.advance(60_000);
  expect(labelled()).toEqual(['b']);
});

test('what people change is corrected within 5 s', async () => {
  const { clock, server, labelled, a } = rig();
  a.leads(1);
  await clock.advance(1);
  server.update('pods', 'a', (pod) => ({ ...pod, metadata: { ...pod.metadata, labels: {} } }));
  expect(labelled()).toEqual([]);
  await clock.advance(5000);
  expect(labelled()).toEqual(['a']);
});

test('while the API server is away the labels stay, and the log says it once', async () => {
  const { clock, away, lines, labelled, a } = rig();
  a.leads(1);
  await clock.advance(1);
  away.add('a');
  await clock.advance(60_000);
  expect(labelled()).toEqual(['a']);
  away.delete('a');
  await clock.advance(10_000);
  expect(lines).toEqual([
    'pod labelled as the leader',
    'the label of the leader cannot be kept',
    'the label of the leader is kept again',
  ]);
});

test('it is settled when the label of a leader that leaves is gone', async () => {
  const { clock, away, labelled, a } = rig();
  a.leads(1);
  await clock.advance(1);
  away.add('a');
  a.leads(undefined);
  let isSettled = false;
  void a.settled().then(() => {
    isSettled = true;
  });
  await clock.advance(1000);
  expect([isSettled, labelled()]).toEqual([false, ['a']]);
  away.delete('a');
  await clock.advance(10_000);
  expect([isSettled, labelled()]).toEqual([true, []]);
});

test('it ends when it is stopped', async () => {
  const { clock, stopped, labelled, a } = rig();
  await clock.advance(1);
  stopped.abort(new Error('stopped'));
  a.leads(1);
  await clock.advance(60_000);
  await a.settled();
  expect([labelled(), clock.sleepers]).toEqual([[], 0]);
});
