/** The bugs in queue and placement that the simulation of many runs must find. */
import type * as placement from '@trikd/core/run/placement';
import type * as queue from '@trikd/core/run/queue';
import type * as fixed from '../../services/orchestrator/src/placement/fixed.js';
import { type Replacement, replacing } from './replacement.ts';

/** The modules that have an export replaced, by the name that an import in this folder gives them. */
interface Modules {
  '@trikd/core/run/placement': typeof placement;
  '@trikd/core/run/queue': typeof queue;
  '../../services/orchestrator/src/placement/fixed.js': typeof fixed;
}

const replace = replacing<Modules>();
const FIXED = '../../services/orchestrator/src/placement/fixed.js';

/** By name. Each is found within 200 seeds of many runs. */
export const QUEUE_MUTATIONS: Readonly<Record<string, readonly Replacement[]>> = {
  'priorities do not count': [
    replace('@trikd/core/run/queue', 'schedule', (real) => (entries, rules) => {
      const equal = entries.map((entry) => ({ ...entry, priority: 0 }));
      return real(equal, rules);
    }),
  ],
  'who came last is served first': [
    replace('@trikd/core/run/queue', 'schedule', (real) => (entries, rules) => {
      const times = entries.map(({ since = '' }) => since).toSorted();
      const reversed = (since: string) => times.at(-1 - times.indexOf(since))!;
      return real(
        entries.map(({ since, ...entry }) => ({ ...entry, since: reversed(since ?? '') })),
        rules,
      );
    }),
  ],
  'quotas do not count': [
    replace(
      '@trikd/core/run/queue',
      'schedule',
      (real) => (entries, rules) => real(entries, { ...rules, quotaOf: () => undefined }),
    ),
  ],
  'a run is preempted although none may be': [
    replace(
      '@trikd/core/run/queue',
      'schedule',
      (real) => (entries, rules) => real(entries, { ...rules, preemption: 'lower-priority' }),
    ),
  ],
  'a run with the same priority is preempted': [
    replace('@trikd/core/run/queue', 'schedule', (real) => (entries, rules) => {
      const plan = real(entries, rules);
      const [victim] = entries.filter(({ standing }) => standing === 'placed');
      const waits = entries.some(({ standing }) => standing === 'queued');
      const may = rules.preemption !== 'never' && waits && plan.place.length + plan.preempt.length === 0;
      return may && victim ? { ...plan, preempt: [victim.runId] } : plan;
    }),
  ],
  'a trio is given to two runs': [
    replace(FIXED, 'fixedPlacement', (real) => (ports) => {
      const inner = real(ports);
      const [first] = ports.trios;
      return { ...inner, acquire: async (...args) => ((await inner.acquire(...args)) ? first! : first!) };
    }),
  ],
  'a trio is not given back': [
    replace(FIXED, 'fixedPlacement', (real) => (ports) => ({ ...real(ports), release: async () => undefined })),
  ],
  'a displaced run has lost a retry': [
    replace('@trikd/core/run/placement', 'displaced', (real) => (...args) => {
      const state = real(...args);
      return 'losses' in state ? { ...state, losses: state.losses + 1 } : state;
    }),
  ],
  'a displaced run keeps its attempt': [
    replace('@trikd/core/run/placement', 'displaced', (real) => (state, ...rest) => {
      const next = real(state, ...rest);
      return { ...next, attempt: state.attempt };
    }),
  ],
  'a displaced run goes to the end of the queue': [
    replace('@trikd/core/run/placement', 'placementAfter', (real) => (before, was, is, at) => {
      const after = real(before, was, is, at);
      return is.phase === 'queued' && was.phase !== 'queued' && at !== undefined ? { ...after, since: at } : after;
    }),
  ],
  'the leader does not look for runs that others created': [
    replace('@trikd/core/run/queue', 'markers', () => async () => []),
  ],
};
