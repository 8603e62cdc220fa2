import { createBackoff } from '@trikd/core/async/backoff';
import type { Clock } from '@trikd/core/async/clock';
import { messageOf } from '@trikd/core/domain/errors';
import type { Logger } from '@trikd/process/logging';
import { z } from 'zod';
import { type ApiClient, apiClient, refusalOf } from '../placement/jobset/api-client.js';
import { accessOf } from '../placement/jobset/cluster-access.js';
import type { Pod } from '../placement/jobset/objects.js';
import type { KubernetesConfig } from '../placement/placement-config.js';
import { createNews } from './leader.js';

export interface OpenLeaderLabelPorts extends Omit<LeaderLabelPorts, 'pods' | 'pod'> {
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** @throws TrikdError `invalid` for an access to the cluster that cannot be used */
export function openLeaderLabel(
  config: LeaderLabelConfig,
  kubernetes: KubernetesConfig,
  { env, ...ports }: OpenLeaderLabelPorts,
): LeaderLabel {
  const client = apiClient(accessOf(kubernetes, env));
  ports.stopped.addEventListener('abort', client.close, { once: true });
  return keepLeaderLabel({ ...ports, pod: config.pod, pods: httpOrchestratorPods(client, config) });
}

/** Keeps a label on the pod of the leader, for a Service that selects it. */
interface LeaderLabel {
  /** Gets the term in which this process leads, whenever that changes; undefined: it follows. */
  leads(term: number | undefined): void;
  /** Resolves when the labels are as the last call of `leads` demands, or when `stopped` aborts. */
  settled(): Promise<void>;
}

interface LeaderLabelPorts {
  readonly pods: OrchestratorPods;
  /** Name of the pod of this process. */
  readonly pod: string;
  readonly clock: Clock;
  /** Uniform on [0, 1). */
  readonly random: () => number;
  readonly stopped: AbortSignal;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

/** Seconds between two looks at the labels: a leader that was killed leaves its own, and people can change them. */
const LOOK = 5;

const BACKOFF = { firstMs: 250, maxMs: 10_000 };

/**
 * Compares the labels with what they should be, after each change of the leadership and every few seconds, until `stopped` aborts. Who
 * leads does not depend on it: while the API server is away, the labels stay as they are.
 */
export function keepLeaderLabel({ pods, pod, clock, random, stopped, log }: LeaderLabelPorts): LeaderLabel {
  const { wake, news } = createNews(clock, LOOK);
  const passes = createNews(clock, LOOK);
  const backoff = createBackoff({ ...BACKOFF, random });
  let term: number | undefined;
  let isSettled = false;
  let failures = 0;

  /** @throws TrikdError when the API server does not answer, or refuses */
  async function pass(): Promise<void> {
    const wanted = term;
    for (const change of labelsToChange(await pods.list(), pod, wanted)) {
      // What is added later than it was decided may be wrong by now.
      if (term !== wanted) return;
      await pods.label(change);
      const { name } = change.pod.metadata;
      if (change.term === undefined) log.info({ pod: name }, 'pod is not labelled as the leader any more');
      else log.info({ pod: name, term: change.term }, 'pod labelled as the leader');
    }
    isSettled = term === wanted;
  }

  async function keep(): Promise<void> {
    while (!stopped.aborted) {
      try {
        await pass();
        if (failures > 1) log.info({}, 'the label of the leader is kept again');
        failures = 0;
        backoff.reset();
        passes.wake();
        if (isSettled) await news(stopped);
      } catch (error) {
        failures += 1;
        // A connection that was idle may be closed at any time.
        if (failures === 2) log.warn({ reason: messageOf(error) }, 'the label of the leader cannot be kept');
        await clock.sleep(backoff.next(), stopped).catch(() => undefined);
      }
    }
  }
  void keep();

  return {
    leads(next) {
      if (next === term) return;
      term = next;
      isSettled = false;
      wake();
    },
    async settled() {
      while (!isSettled && !stopped.aborted) await passes.news(stopped);
    },
  };
}

export const LeaderLabelConfig = z.strictObject({
  namespace: z.string().min(1).describe('of the pods of the orchestrators'),
  pod: z.string().min(1).describe('name of the pod of this orchestrator'),
  selector: z.string().min(1).describe('labels of the pods of all orchestrators of the installation'),
});
export type LeaderLabelConfig = z.infer<typeof LeaderLabelConfig>;

/** A pod of an orchestrator, as far as the label of the leader is concerned. */
export type OrchestratorPod = Pick<Pod, 'metadata'>;

/** The label of the pod that leads: a Service selects it. */
export const LEADER_LABEL = 'trikd.dev/leader';
/** Annotation beside the label: the term in which the pod leads. */
export const TERM_ANNOTATION = 'trikd.dev/term';

/** What the label of a pod should become. */
interface LabelChange {
  readonly pod: OrchestratorPod;
  /** The term in which the pod leads; undefined: it does not. */
  readonly term: number | undefined;
}

/**
 * What this process has to change so that the pod of the leader alone is labelled. Everybody removes the label of their own pod; the
 * leader removes those of other pods too, because a leader that was killed cannot. A leader that has lost the store does not know that
 * another one was elected: it gives way to a label of a later term, or the two would take turns.
 * @param self name of the pod of this process
 * @param term in which this process leads; undefined while it follows
 */
export function labelsToChange(
  pods: readonly OrchestratorPod[],
  self: string,
  term: number | undefined,
): readonly LabelChange[] {
  const own = pods.find(({ metadata }) => metadata.name === self);
  const others = pods.filter((pod) => pod !== own && labelledTerm(pod) !== undefined);
  const isPast = term !== undefined && others.some((pod) => labelledTerm(pod)! > term);
  const wanted = isPast ? undefined : term;
  return [
    ...(own && labelledTerm(own) !== wanted ? [{ pod: own, term: wanted }] : []),
    ...(wanted === undefined ? [] : others.map((pod) => ({ pod, term: undefined }))),
  ];
}

/** The term in which a pod leads by its label. One that is not a number is earlier than every term. */
function labelledTerm({ metadata: { labels, annotations } }: OrchestratorPod): number | undefined {
  if (labels?.[LEADER_LABEL] !== 'true') return undefined;
  const term = Number(annotations?.[TERM_ANNOTATION]);
  return Number.isSafeInteger(term) ? term : 0;
}

/**
 * The pods of the orchestrators of an installation.
 * @throws TrikdError as `KubernetesApi` does
 */
export interface OrchestratorPods {
  list(): Promise<readonly OrchestratorPod[]>;
  /** Adds or removes the label of a pod, unless the pod is gone. @throws TrikdError `invalid` also for another pod of the same name */
  label(change: LabelChange): Promise<void>;
}

export interface PodSelection {
  readonly namespace: string;
  /** Selector of labels. */
  readonly selector: string;
}

/** The pods, by the API server of Kubernetes over HTTPS. */
export function httpOrchestratorPods(client: ApiClient, { namespace, selector }: PodSelection): OrchestratorPods {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  return {
    async list() {
      const answer = await client.send({ method: 'GET', path, query: { labelSelector: selector } });
      if (answer.status !== 200) throw refusalOf(answer);
      return (answer.body as { readonly items: readonly OrchestratorPod[] }).items;
    },
    async label({ pod: { metadata }, term }) {
      const labels = { [LEADER_LABEL]: term === undefined ? null : 'true' };
      const annotations = { [TERM_ANNOTATION]: term === undefined ? null : String(term) };
      // The server refuses to change the uid of a pod: another one of the same name stays as it is.
      const body = { metadata: { uid: metadata.uid, labels, annotations } };
      const answer = await client.send({ method: 'PATCH', path: `${path}/${metadata.name}`, body });
      if (answer.status !== 200 && answer.status !== 404) throw refusalOf(answer);
    },
  };
}
