import { expect, test } from 'vitest';
import { kubernetesApiContract } from './kubernetes-api.contract.js';
import type { KubernetesApi } from './kubernetes-api.js';
import { LABELS } from './objects.js';
import { fakeApiServer } from './testing/fake-api-server.js';

const server = fakeApiServer(() => 0);

/** The server selects by instance, which the API over HTTPS asks it to. */
function apiOf(instance: string): KubernetesApi {
  const list: KubernetesApi['list'] = async (kind) => {
    const { items, resourceVersion } = await server.api.list(kind);
    const own = items.filter(({ metadata }) => metadata.labels?.[LABELS.instance] === instance);
    return { items: own, resourceVersion };
  };
  return { ...server.api, list };
}

kubernetesApiContract(apiOf);

test('a version that was forgotten is too old', async () => {
  const { resourceVersion } = await server.api.list('jobsets');
  server.compact();
  const changes = server.api.watch('jobsets', resourceVersion, new AbortController().signal);
  await expect(changes[Symbol.asyncIterator]().next()).rejects.toMatchObject({ kind: 'out-of-step' });
});
