import { expect, test } from 'vitest';
import { LEADER_LABEL, labelsToChange, type OrchestratorPod, TERM_ANNOTATION } from './labels-to-change.js';

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
