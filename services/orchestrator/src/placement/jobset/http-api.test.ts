import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { claimOf } from '../placement.contract.js';
import { apiClient } from './api-client.js';
import { httpKubernetesApi } from './http-api.js';
import { jobSetOf } from './template.js';
import { template } from './testing/template.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean();
});

type Answer = readonly [status: number, body: object];

/** An API server that answers as a test says, and the requests that it got. */
async function serverThat(answer: (request: IncomingMessage, response: ServerResponse) => Answer | undefined) {
  const requests: { readonly line: string; readonly token: string | undefined; readonly body: unknown }[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const { method, url = '', headers } = request;
    requests.push({
      ...{ line: `${method} ${decodeURIComponent(url)}`, token: headers.authorization },
      body: text === '' ? undefined : JSON.parse(text),
    });
    const [status, body] = answer(request, response) ?? [];
    if (status !== undefined) response.writeHead(status).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  let tokens = 0;
  const client = apiClient({
    server: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    credentials: () => ({ token: `token-${++tokens}` }),
  });
  cleanups.push(
    client.close,
    () => server.closeAllConnections(),
    () => server.close(),
  );
  const api = httpKubernetesApi(client, { namespace: 'runs', instance: 'trikd' });
  return { api, requests };
}

const objectOf = (name: string, resourceVersion = '1') => ({ metadata: { name, resourceVersion } });
const refusal = (code: number, message: string): Answer => [code, { kind: 'Status', code, message }];
const JOBSETS = '/apis/jobset.x-k8s.io/v1alpha2/namespaces/runs/jobsets';
const SELECTOR = 'labelSelector=app.kubernetes.io/managed-by=trikd,app.kubernetes.io/instance=trikd';

test('a list is read page by page, with the token as it is at the time', async () => {
  const { api, requests } = await serverThat(({ url }) => {
    const isFirst = !url?.includes('continue');
    const metadata = { resourceVersion: '7', ...(isFirst && { continue: 'more' }) };
    return [200, { items: [objectOf(isFirst ? 'a' : 'b')], metadata }];
  });
  expect(await api.list('jobsets')).toEqual({ items: [objectOf('a'), objectOf('b')], resourceVersion: '7' });
  expect(requests.map(({ line, token }) => [line, token])).toEqual([
    [`GET ${JOBSETS}?${SELECTOR}&limit=500`, 'Bearer token-1'],
    [`GET ${JOBSETS}?${SELECTOR}&limit=500&continue=more`, 'Bearer token-2'],
  ]);
});

test('a JobSet that exists is not created again', async () => {
  const { api } = await serverThat(() => refusal(409, 'already exists'));
  const jobSet = jobSetOf(template, claimOf('r'), { namespace: 'runs', instance: 'trikd', priorityClasses: [] });
  expect(await api.create(jobSet)).toBe('exists');
});

test('a JobSet is deleted by its uid, with everything in it', async () => {
  const { api, requests } = await serverThat(() => [200, {}]);
  await api.delete('x', 'uid-1');
  expect(requests).toMatchObject([
    { line: `DELETE ${JOBSETS}/x`, body: { preconditions: { uid: 'uid-1' }, propagationPolicy: 'Foreground' } },
  ]);
});

test.each([
  [404, 'not found'],
  [409, 'the UID in the precondition does not match'],
])('a JobSet that is gone or is another one needs no deletion: %i', async (code, message) => {
  const { api } = await serverThat(() => refusal(code, message));
  await api.delete('x', 'uid-1');
});

test('there are no workloads where Kueue is not installed', async () => {
  const { api } = await serverThat(() => refusal(404, 'the server could not find the requested resource'));
  const { items, resourceVersion } = await api.list('workloads');
  expect(items).toEqual([]);
  const over = new AbortController();
  const next = api.watch('workloads', resourceVersion, over.signal)[Symbol.asyncIterator]().next();
  over.abort();
  expect((await next).done).toBe(true);
  await expect(api.list('jobsets')).rejects.toMatchObject({ kind: 'invalid' });
});

test('a watch brings changes, also those that come in pieces', async () => {
  const lines = [
    { type: 'ADDED', object: objectOf('a', '8') },
    { type: 'BOOKMARK', object: objectOf('', '9') },
    { type: 'DELETED', object: objectOf('a', '10') },
  ].map((each) => `${JSON.stringify(each)}\n`);
  const text = lines.join('');
  const { api, requests } = await serverThat((_, response) => {
    response.writeHead(200);
    response.write(text.slice(0, 30));
    setImmediate(() => response.end(text.slice(30)));
    return undefined;
  });
  const changes = [];
  for await (const change of api.watch('pods', '7', new AbortController().signal)) changes.push(change);
  expect(changes).toEqual([
    { type: 'ADDED', object: objectOf('a', '8') },
    { type: 'BOOKMARK', resourceVersion: '9' },
    { type: 'DELETED', object: objectOf('a', '10') },
  ]);
  expect(requests[0]?.line).toContain('/api/v1/namespaces/runs/pods?');
  expect(requests[0]?.line).toContain('resourceVersion=7&watch=true&allowWatchBookmarks=true');
});

test.each<[string, (response: ServerResponse) => Answer | undefined]>([
  ['at once', () => refusal(410, 'too old resource version')],
  [
    'in the stream',
    (response) => {
      response
        .writeHead(200)
        .write(`${JSON.stringify({ type: 'ERROR', object: { code: 410, message: 'too old' } })}\n`);
      return undefined;
    },
  ],
])('a version that is too old is refused %s', async (_, answer) => {
  const { api } = await serverThat((_request, response) => answer(response));
  const changes = api.watch('pods', '7', new AbortController().signal)[Symbol.asyncIterator]();
  await expect(changes.next()).rejects.toMatchObject({ kind: 'out-of-step' });
});

test('a connection that breaks during a watch is an error, and a watch that is left ends', async () => {
  const { api } = await serverThat((request, response) => {
    response.writeHead(200).write(`${JSON.stringify({ type: 'ADDED', object: objectOf('a') })}\n`);
    if (request.url?.includes('resourceVersion=7')) setImmediate(() => response.destroy());
    return undefined;
  });
  const broken = api.watch('pods', '7', new AbortController().signal)[Symbol.asyncIterator]();
  await broken.next();
  await expect(broken.next()).rejects.toMatchObject({ kind: 'unavailable' });
  const left = new AbortController();
  const leaving = api.watch('pods', '8', left.signal)[Symbol.asyncIterator]();
  await leaving.next();
  const next = leaving.next();
  left.abort();
  expect((await next).done).toBe(true);
});

test.each([
  [401, 'Unauthorized', 'unauthenticated'],
  [403, 'jobsets is forbidden: User cannot list', 'forbidden'],
  [403, 'forbidden: exceeded quota: count/jobsets', 'exhausted'],
  [422, 'JobSet is invalid', 'invalid'],
  [429, 'too many requests', 'unavailable'],
  [503, 'etcdserver: leader changed', 'unavailable'],
])('what the server refuses with %i keeps its sentence: %s', async (code, message, kind) => {
  const { api } = await serverThat(() => refusal(code, message));
  await expect(api.get('x')).rejects.toMatchObject({ kind, message });
});
