import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChannelCredentials, Client, credentials, status } from '@grpc/grpc-js';
import type { ServiceName } from '@trikd/process/service-process';
import { isServiceError } from '@trikd/protocol/status';
import { type Cluster, QUICK, startCluster } from '@trikd/testing/processes/cluster';
import { certificateOf, EXPIRED, LASTING, newAuthority, writeTls } from '@trikd/testing/servers/certificates';
import { PROTOCOL_METHODS } from '@trikd/testing/servers/protocol-methods';
import { issueCertificate, type KeyPair, type Leaf } from '@trikd/transport/access/authority';
import { serviceId, userId } from '@trikd/transport/access/caller';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const EVERYBODY = ['orchestrator', 'anchor-server', 'teacher-trainer', 'student-trainer', 'a person'];

// Who may call what, stated once more, beside the policy of the code. A service of the protocol that is missing here fails a test.
const CALLERS: Readonly<Record<string, readonly string[]>> = {
  'trikd.v1.RunService': ['orchestrator', 'a person'],
  'trikd.v1.TrainerService': ['orchestrator'],
  'trikd.v1.AnchorService': ['orchestrator'],
  'trikd.v1.TimingService': ['orchestrator'],
  'trikd.v1.ExchangeService': ['teacher-trainer', 'student-trainer'],
  'trikd.v1.ReplicaService': ['teacher-trainer', 'student-trainer'],
  'trikd.v1.RunService/GetCaller': EVERYBODY,
  'grpc.health.v1.Health': EVERYBODY,
  'grpc.reflection.v1.ServerReflection': [],
  'grpc.reflection.v1alpha.ServerReflection': [],
};

const STANDARD = [
  { path: '/grpc.health.v1.Health/Check', streaming: false },
  { path: '/grpc.health.v1.Health/List', streaming: false },
  { path: '/grpc.health.v1.Health/Watch', streaming: true },
  { path: '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', streaming: true },
  { path: '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo', streaming: true },
];
const MODELS = ['trikd.v1.ExchangeService', 'trikd.v1.TimingService'];
const SERVED: Readonly<Record<ServiceName, readonly string[]>> = {
  orchestrator: ['trikd.v1.RunService'],
  'anchor-server': ['trikd.v1.AnchorService', ...MODELS],
  'teacher-trainer': ['trikd.v1.TrainerService', 'trikd.v1.ReplicaService', ...MODELS],
  'student-trainer': ['trikd.v1.TrainerService', 'trikd.v1.ReplicaService', ...MODELS],
};
const ROLES = Object.keys(SERVED) as ServiceName[];

interface Method {
  readonly path: string;
  readonly streaming: boolean;
}
/** No service of a trio answers these. */
const ELSEWHERE = ['inference.GRPCInferenceService'];
const METHODS: readonly (readonly [ServiceName, Method])[] = ROLES.flatMap((role) => [
  ...PROTOCOL_METHODS.filter(({ service }) => SERVED[role].includes(service)).map((method) => [role, method] as const),
  ...STANDARD.map((method) => [role, method] as const),
]);

/** Seconds for an answer. A stream that stays open that long was not refused. */
const DEADLINE = 5;
const raw = (bytes: Buffer) => bytes;

/** The status of a call with an empty request; OK when a stream begins. */
function outcomeOf(client: Client, { path, streaming }: Method): Promise<status> {
  const options = { deadline: Date.now() + 1000 * DEADLINE };
  return new Promise((resolve, reject) => {
    const done = (error: unknown) => {
      if (!error) resolve(status.OK);
      else if (isServiceError(error)) resolve(error.code);
      else reject(error);
    };
    if (!streaming) return void client.makeUnaryRequest(path, raw, raw, Buffer.alloc(0), options, done);
    const call = client.makeBidiStreamRequest(path, raw, raw, options);
    call
      .on('error', done)
      .on('data', () => call.cancel())
      .on('end', () => undefined);
    call.once('metadata', () => done(undefined));
    call.write(Buffer.alloc(0));
    call.end();
  });
}

const folder = mkdtempSync(join(tmpdir(), 'trikd-identity-'));
let cluster: Cluster;
let authority: KeyPair;
const clients = new Map<string, Client>();

beforeAll(async () => {
  authority = await newAuthority();
  const pairs = Object.fromEntries(
    await Promise.all(ROLES.map(async (role) => [role, await certificateOf(authority, role)] as const)),
  );
  const each = (role: ServiceName) => ({ tls: writeTls(join(folder, role), authority.cert, pairs[role]!) });
  const store = { kind: 'folder', path: join(folder, 'store') };
  cluster = await startCluster({ folder, store, each, orchestrators: 1, settings: QUICK });
});
afterAll(async () => {
  for (const client of clients.values()) client.close();
  await cluster.stop();
  rmSync(folder, { recursive: true });
});

function addressOf(role: ServiceName): string {
  return cluster.services.find(({ name }) => name.startsWith(role))!.address;
}

/** A client that shows a certificate, or none, and believes every server. */
function clientOf(name: string, role: ServiceName, proof: ChannelCredentials): Client {
  const known = clients.get(`${name} ${role}`);
  if (known) return known;
  const client = new Client(addressOf(role), proof, { 'grpc.ssl_target_name_override': 'localhost' });
  clients.set(`${name} ${role}`, client);
  return client;
}

function proofOf(pair?: KeyPair): ChannelCredentials {
  const [key, cert] = pair ? [Buffer.from(pair.key), Buffer.from(pair.cert)] : [null, null];
  return credentials.createSsl(Buffer.from(authority.cert), key, cert, { checkServerIdentity: () => undefined });
}

const issue = (leaf: Partial<Leaf>, by = authority) =>
  issueCertificate(by, { uris: [], hosts: ['localhost'], ...LASTING, ...leaf });
const SERVICE_OF: Readonly<Record<string, (by: KeyPair, leaf?: Partial<Leaf>) => Promise<KeyPair>>> = {
  ...Object.fromEntries(
    ROLES.map((role) => [role, (by: KeyPair, leaf?: Partial<Leaf>) => certificateOf(by, role, leaf)]),
  ),
  'a person': (by, leaf) => issue({ uris: [userId('trikd', 'ada')], ...leaf }, by),
};
const CALLERS_OF_ALL = Object.keys(SERVICE_OF);

/** Refusals of each method by caller, in the order of the table above. */
async function refusals(name: string, pair: KeyPair | undefined): Promise<Record<string, string>> {
  const proof = proofOf(pair);
  const outcomes = await Promise.all(
    METHODS.map(
      async ([role, method]) =>
        [`${role}${method.path}`, await outcomeOf(clientOf(name, role, proof), method)] as const,
    ),
  );
  return Object.fromEntries(outcomes.map(([method, code]) => [method, refused(code)]));
}

const REFUSALS: readonly status[] = [
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
  status.UNIMPLEMENTED,
  status.UNAVAILABLE,
];
const refused = (code: status) => (REFUSALS.includes(code) ? status[code] : 'admitted');
const callersOf = (path: string) => CALLERS[path.slice(1)] ?? CALLERS[path.slice(1, path.lastIndexOf('/'))]!;
const everyMethod = (outcome: (path: string) => string) =>
  Object.fromEntries(METHODS.map(([role, { path }]) => [`${role}${path}`, outcome(path)]));

describe('every method of every service', () => {
  test('is among those that are called here', () => {
    const called = new Set(METHODS.map(([, { path }]) => path));
    const declared = PROTOCOL_METHODS.filter(({ service }) => !ELSEWHERE.includes(service)).map(({ path }) => path);
    expect(declared.filter((path) => !called.has(path))).toEqual([]);
    expect(METHODS.filter(([, { streaming }]) => streaming).length).toBeGreaterThan(15);
  });

  test.each(CALLERS_OF_ALL)('answers %s exactly where it is declared as a caller', async (name) => {
    const pair = await SERVICE_OF[name]!(authority);
    const expected = (path: string) => (callersOf(path).includes(name) ? 'admitted' : 'PERMISSION_DENIED');
    expect(await refusals(name, pair)).toEqual(everyMethod(expected));
  });

  test.each<[string, () => Promise<KeyPair | undefined>]>([
    ['no certificate', async () => undefined],
    ['a certificate of another authority', async () => certificateOf(await newAuthority(), 'orchestrator')],
    ['an expired certificate', () => certificateOf(authority, 'orchestrator', EXPIRED)],
    ['a certificate without a URI', () => issue({})],
    [
      'a certificate of two services',
      () =>
        issue({ uris: [serviceId('trikd', 'test', 'orchestrator'), serviceId('trikd', 'test', 'student-trainer')] }),
    ],
    ['a certificate of another trust domain', () => issue({ uris: [serviceId('other', 'test', 'orchestrator')] })],
  ])('refuses a client with %s', async (name, pair) => {
    expect(await refusals(name, await pair())).toEqual(everyMethod(() => 'UNAUTHENTICATED'));
  });

  test.each(CALLERS_OF_ALL)('refuses the expired certificate of %s, and one of another authority', async (name) => {
    const expired = await SERVICE_OF[name]!(authority, EXPIRED);
    expect(await refusals(`${name}, expired`, expired)).toEqual(everyMethod(() => 'UNAUTHENTICATED'));
    const foreign = await SERVICE_OF[name]!(await newAuthority());
    expect(await refusals(`${name}, foreign`, foreign)).toEqual(everyMethod(() => 'UNAUTHENTICATED'));
  });

  test('is not answered in plain text', async () => {
    const outcomes = await Promise.all(
      ROLES.map((role) => outcomeOf(clientOf('plain text', role, credentials.createInsecure()), STANDARD[0]!)),
    );
    expect(outcomes).toEqual(ROLES.map(() => status.UNAVAILABLE));
  });
});
