import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Metadata } from '@grpc/grpc-js';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { SERVICE_NAMES } from '@trikd/process/service-process';
import { RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import { type Cluster, QUICK, startCluster } from '@trikd/testing/processes/cluster';
import { certificateOf, newAuthority, writeTls } from '@trikd/testing/servers/certificates';
import { startS3Server } from '@trikd/testing/servers/s3-server';
import { AUDIENCE, tokenIssuer } from '@trikd/testing/servers/token-issuer';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import type { KeyPair } from '@trikd/transport/access/authority';
import { clientSecurity } from '@trikd/transport/access/security';
import { openClient, unary } from '@trikd/transport/grpc/clients';
import { expect, onTestFinished, test, vi } from 'vitest';
import { scratch } from './trikd.js';

const spec = writtenSpec('two stages');

/** Takes what the services send to a collector. */
async function startCollector() {
  const received: string[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      received.push(JSON.stringify(request.headers), Buffer.concat(parts).toString('utf8'));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** A key as it could be quoted: each of its lines. */
const linesOf = ({ key }: KeyPair) => key.split('\n').filter((line) => !line.startsWith('-----') && line.length > 20);

const textsIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.pem'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));

const titlesOf = ({ services }: Cluster) =>
  services.flatMap(({ pid }) =>
    [`/proc/${pid()}/cmdline`, `/proc/${pid()}/comm`].map((file) => readFileSync(file, 'latin1')),
  );

test('no secret of the services appears in a log, trace, event, object, title or error', async () => {
  const folder = scratch();
  const data = scratch();
  const minio = await startS3Server('minio', { folder: data });
  onTestFinished(() => minio.kill());
  const { endpoint, bucket, accessKey, secretKey } = minio;
  const collector = await startCollector();
  const issuer = await tokenIssuer();
  onTestFinished(() => issuer.close());
  const token = await issuer.sign();
  const forged = `${token.slice(0, -12)}Y2FuYXJ5Y2Fu`;
  const authority = await newAuthority();
  const pairs = new Map<string, KeyPair>();
  for (const name of SERVICE_NAMES) pairs.set(name, await certificateOf(authority, name));
  const placeOf = (name: string) => join(folder, 'tls', name);
  const cluster = await startCluster({
    folder,
    store: { kind: 's3', endpoint, bucket, accessKey, secretKey },
    orchestrators: 1,
    settings: {
      ...QUICK,
      oidc: { issuer: issuer.url, audience: [AUDIENCE] },
      log: { level: 'debug' },
      telemetry: { everySteps: 1 },
    },
    each: (name) => ({ tls: writeTls(placeOf(name), authority.cert, pairs.get(name)!), log: { level: 'debug' } }),
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_METRIC_EXPORT_INTERVAL: '500',
      OTEL_LOGS_EXPORTER: 'none',
    },
  });
  onTestFinished(() => cluster.stop());
  const files = writeTls(placeOf('client'), authority.cert, pairs.get('orchestrator')!);
  const security = clientSecurity(files, 'trikd');
  onTestFinished(() => security.close());
  const client = openClient(RunServiceClient, cluster.orchestrators[0]!.address, { role: 'orchestrator', security });
  onTestFinished(() => client.close());
  const errors: string[] = [];

  const request = {
    spec: JSON.stringify(RunSpec.parse(spec)),
    requestId: '',
    takeOver: true,
    placement: undefined,
    team: '',
  };
  await unary(client.createRun.bind(client), request, { what: 'the orchestrator', deadlineSeconds: 60 });
  for await (const _ of client.watchRun({ runId: spec.name, fromEvent: 0, pastOnly: false })) {
    // It ends when the run does.
  }
  const titles = titlesOf(cluster);
  for (const shown of [token, forged]) {
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${shown}`);
    await new Promise<void>((resolve) =>
      client.getRun({ runId: 'nowhere' }, metadata, (error) => {
        errors.push(`${error?.message} ${JSON.stringify(error?.metadata.getMap())}`);
        resolve();
      }),
    );
  }
  // A key where a certificate belongs: the complaint must name the file alone.
  for (const name of SERVICE_NAMES) writeFileSync(join(placeOf(name), 'cert.pem'), pairs.get(name)!.key);
  const complaints = () => textsIn(folder).join('').split('the previous ones stay').length - 1;
  await vi.waitFor(() => expect(complaints()).toBe(SERVICE_NAMES.length), { timeout: 20_000, interval: 200 });
  await cluster.stop('SIGTERM');

  const logs = textsIn(folder);
  const objects = textsIn(data);
  const signatures = [token, forged].map((each) => each.slice(each.lastIndexOf('.') + 1));
  const secrets = [secretKey, ...signatures, ...[...pairs.values()].flatMap(linesOf)];
  expect(secrets.length).toBeGreaterThan(10);
  // Each place has something in it: what is searched is what was meant.
  expect(logs.join('')).toContain('call ended');
  expect(collector.received.join('')).toContain('trikd.v1.TrainerService/Assign');
  expect(objects.length).toBeGreaterThan(5);
  expect(titles.join('')).toContain('orchestrator');
  expect(errors).toEqual([expect.stringContaining('nowhere'), expect.stringContaining('UNAUTHENTICATED')]);
  for (const [place, texts] of Object.entries({ logs, traces: collector.received, titles, errors, objects })) {
    const said = texts.join('\n');
    expect(
      secrets.filter((secret) => said.includes(secret)),
      place,
    ).toEqual([]);
  }
});
