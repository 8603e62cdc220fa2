import type { Clock } from '@trikd/core/async/clock';

/** A model that is served, as the Open Inference Protocol describes it. */
export interface ServedModel {
  readonly name: string;
  readonly versions: readonly string[];
  readonly inputs: readonly { readonly shape: readonly number[] }[];
  readonly outputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly properties: Readonly<Record<string, string>>;
}

interface Waiting {
  readonly clock: Clock;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  readonly report: (text: string) => void;
}

/** Milliseconds between two looks. */
const LOOK_MS = 200;

/** Waits until a model is served; undefined when the wait was ended. */
export async function whenServed(
  url: string,
  model: string,
  { clock, signal, report }: Waiting,
): Promise<ServedModel | undefined> {
  while (!signal.aborted) {
    try {
      const ready = await fetch(`${url}/v2/models/${model}/ready`, { signal });
      if (ready.ok) {
        const found = await fetch(`${url}/v2/models/${model}`, { signal });
        if (found.ok) return (await found.json()) as ServedModel;
      }
      report(await reasonAt(url, signal));
      await clock.sleep(LOOK_MS, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
  return undefined;
}

async function reasonAt(url: string, signal: AbortSignal): Promise<string> {
  const index = await fetch(`${url}/v2/repository/index`, { method: 'POST', body: '{}', signal });
  const [first] = (await index.json()) as readonly { readonly reason?: string }[];
  return `waiting for the model: ${first?.reason ?? ''}`;
}
