import { forward } from '@trikd/testing/kubernetes/port-forward';
import { facts } from './kubernetes.js';

/** What the test reads of a trace. */
interface Trace {
  readonly spans: readonly { readonly processID: string }[];
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
}

/** Services that took part in each traced step of a run, as the Jaeger of the cluster has them. */
export async function tracedSteps(runId: string): Promise<readonly (readonly string[])[]> {
  const { port, close } = await forward(facts().kubeconfig, 'observers', 'service/jaeger', 16686);
  try {
    const tags = JSON.stringify({ 'trikd.run.id': runId });
    const query = new URLSearchParams({ service: 'orchestrator', operation: 'trikd.step', limit: '500', tags });
    const answer = await fetch(`http://127.0.0.1:${port}/api/traces?${query}`);
    const { data } = (await answer.json()) as { readonly data: readonly Trace[] };
    return data.map(({ spans, processes }) =>
      [...new Set(spans.map(({ processID }) => processes[processID]!.serviceName))].sort(),
    );
  } finally {
    close();
  }
}
