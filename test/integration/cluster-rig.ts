/** A cluster whose pods are doubles of models, behind an API server that speaks HTTP. */
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { ROLES, type Role } from '@trikd/core/domain/position';
import { NO_TELEMETRY } from '@trikd/telemetry/telemetry';
import { lasting } from '@trikd/testing/clock/lasting';
import { KINDS, type Kind } from '../../services/orchestrator/src/placement/jobset/objects.js';
import type { NewJobSet } from '../../services/orchestrator/src/placement/jobset/template.js';
import type { FakeApiServer } from '../../services/orchestrator/src/placement/jobset/testing/fake-api-server.js';
import { fakeCluster } from '../../services/orchestrator/src/placement/jobset/testing/fake-cluster.js';
import { TEMPLATE } from '../../services/orchestrator/src/placement/jobset/testing/template.js';
import type { ToyWorld } from './orchestrator-doubles.js';
import { folder, later, serve, trio } from './orchestrator-rig.js';

/** How much faster time passes in the cluster. */
const HASTE = 10;
/** Milliseconds that a process takes to end. */
const ENDING = 1000;

type Log = NonNullable<Parameters<typeof serve>[3]>;

/** An orchestrator that makes JobSets, with enough models for three trios. */
export async function serveInCluster(store: ObjectStore, world: ToyWorld, log: Log) {
  const models = await Promise.all([world, {}, {}].map((each) => trio(store, each)));
  const alive = new Set<string>();
  const taken = { teacher: 0, student: 0, anchor: 0 };
  const modelAt = (address: string) =>
    models.flatMap((each) => ROLES.map((role) => each[role])).find((each) => each.address === address);
  const cluster = fakeCluster({
    ...{ quota: 1, now: Date.now, random: Math.random },
    after: (ms, happen) => void lasting(ms / HASTE).then(happen),
    endpoint(role: Role) {
      const { address } = models[taken[role]]![role];
      taken[role] += 1;
      const [ip = '', port] = address.split(':');
      return { ip, port: Number(port) };
    },
    start(_role, address) {
      alive.add(address);
      const kill = () => {
        alive.delete(address);
        modelAt(address)?.close();
      };
      return { ready: () => alive.has(address), end: (ended) => void lasting(ENDING).then(ended), kill };
    },
  });
  const api = await apiOver(cluster.server);
  const files = await folder();
  const kubeconfig = {
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: api } }],
    users: [{ name: 'u', user: { token: 't' } }],
  };
  await writeFile(join(files, 'kubeconfig'), JSON.stringify(kubeconfig));
  await writeFile(join(files, 'cpu.yaml'), JSON.stringify(TEMPLATE));
  const placement = {
    ...{ kind: 'jobset', namespace: 'runs', templates: files, queue: 'main' },
    kubernetes: { kubeconfig: join(files, 'kubeconfig') },
  };
  const served = await serve(store, [], undefined, log, {}, {}, NO_TELEMETRY, { placement });
  const podOf = (role: Role, rank = 0) => {
    const [jobSet] = cluster.server.all('jobsets');
    return cluster.podOf(jobSet?.metadata.name ?? '', role, rank)?.metadata.name ?? '';
  };
  return { served, cluster, podOf, models };
}

/** Serves an API server over HTTP. Resolves with its address. */
async function apiOver({ api }: FakeApiServer): Promise<string> {
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://localhost');
    const [, kind = '', name = ''] = /\/namespaces\/runs\/([a-z]+)(?:\/(.+))?$/.exec(url.pathname) ?? [];
    if (!isKind(kind)) return void response.writeHead(404).end('{}');
    const send = (status: number, body: object) => response.writeHead(status).end(JSON.stringify(body));
    if (request.method === 'POST') {
      const made = await api.create((await json(request)) as NewJobSet);
      return void (made === 'exists' ? send(409, {}) : send(201, made));
    }
    if (request.method === 'DELETE') {
      const { preconditions } = (await json(request)) as { readonly preconditions: { readonly uid: string } };
      await api.delete(name, preconditions.uid);
      return void send(200, {});
    }
    if (name !== '') {
      const found = await api.get(name);
      return void (found ? send(200, found) : send(404, {}));
    }
    if (!url.searchParams.has('watch')) {
      const { items, resourceVersion } = await api.list(kind);
      return void send(200, { items, metadata: { resourceVersion } });
    }
    const left = new AbortController();
    response.on('close', () => left.abort());
    response.writeHead(200).flushHeaders();
    const from = url.searchParams.get('resourceVersion') ?? '';
    for await (const change of api.watch(kind, from, left.signal)) response.write(`${JSON.stringify(change)}\n`);
    response.end();
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  later(() => server.close());
  later(() => server.closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function isKind(text: string): text is Kind {
  return KINDS.some((kind) => kind === text);
}
