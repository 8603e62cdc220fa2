import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChannelCredentials, Client, credentials } from '@grpc/grpc-js';
import { createLogger } from '@trikd/process/logging';
import { SERVICE_NAMES, type ServiceName } from '@trikd/process/service-process';
import { AnchorServiceService, LoadAnchorRequest } from '@trikd/protocol/gen/node/trikd/v1/anchor';
import { ExchangeServiceService, StreamLogitsRequest } from '@trikd/protocol/gen/node/trikd/v1/exchange';
import { AssignRequest, TrainerServiceService } from '@trikd/protocol/gen/node/trikd/v1/trainer';
import { lasting } from '@trikd/testing/clock/lasting';
import { certificateOf, LASTING, newAuthority, writeTls } from '@trikd/testing/servers/certificates';
import { specFor } from '@trikd/testing/specs/spec-for';
import { issueCertificate, type KeyPair } from '@trikd/transport/access/authority';
import { userId } from '@trikd/transport/access/caller';
import { openSecurity, type Security } from '@trikd/transport/access/security';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AttackedCluster, startTraining } from './attacked-cluster.js';

/** Of each attack. `make attacks` takes a minute. */
const SECONDS = Number(process.env['ATTACK_SECONDS'] ?? 1);
const CALLS_PER_SECOND = 20;
const LARGEST = 2 ** 32 - 1;

const folder = mkdtempSync(join(tmpdir(), 'trikd-identity-'));
const thieves = new Map<string, ChannelCredentials>();
let cluster: AttackedCluster;
let security: Security;

beforeAll(async () => {
  const authority = await newAuthority();
  const pairs = new Map(
    await Promise.all(SERVICE_NAMES.map(async (role) => [role, await certificateOf(authority, role)] as const)),
  );
  const person = { uris: [userId('trikd', 'mallory')], hosts: [], ...LASTING };
  const proof = (pair?: KeyPair) => {
    const [key, cert] = pair ? [Buffer.from(pair.key), Buffer.from(pair.cert)] : [null, null];
    return credentials.createSsl(Buffer.from(authority.cert), key, cert);
  };
  thieves.set('nobody', proof());
  thieves.set('a person', proof(await issueCertificate(authority, person)));
  for (const [role, pair] of pairs) thieves.set(role, proof(pair));
  const each = (role: ServiceName) => ({ tls: writeTls(join(folder, role), authority.cert, pairs.get(role)!) });
  const log = createLogger({ level: 'silent' }, 'test');
  security = openSecurity({ ...each('orchestrator'), plaintext: 'loopback' }, 'orchestrator', log);
  cluster = await startTraining({ each }, { role: 'orchestrator', security });
});
afterAll(async () => {
  await cluster?.end();
  security?.close();
  rmSync(folder, { recursive: true });
});

const foreign = { runId: 'foreign', stage: 0, attempt: 1, step: 0 };
const spec = JSON.stringify(specFor('soak', { name: 'foreign' }));
const { path: assign, requestSerialize: assignment } = TrainerServiceService.assign;
const { path: stream, requestSerialize: subscription } = ExchangeServiceService.streamLogits;
const { path: load, requestSerialize: loading } = AnchorServiceService.loadAnchor;
const trainerPeer = { limit: 100, sources: [{ participant: 'student', address: '127.0.0.1:1' }], term: LARGEST };

/** The requests of an attack: the service they go to, the method and the message. */
const ATTACKS = {
  'a takeover by Assign': () => [
    ['teacher-trainer', assign, assignment(AssignRequest.fromPartial({ start: foreign, spec, ...trainerPeer }))],
  ],
  'a fence with the largest numbers': () => {
    const start = { runId: cluster.target.runId, stage: LARGEST, attempt: LARGEST, step: 0 };
    const request = assignment(AssignRequest.fromPartial({ start, spec, ...trainerPeer }));
    return [
      ['teacher-trainer', assign, request],
      ['student-trainer', assign, request],
    ];
  },
  'theft of logits': () => {
    const from = { runId: cluster.target.runId, stage: 0, attempt: cluster.steps.attempts(), step: 0 };
    const request = subscription(
      StreamLogitsRequest.fromJSON({ consumer: 'ROLE_STUDENT', producer: 'teacher', from, agreement: {} }),
    );
    return [['teacher-trainer', stream, request]];
  },
  'LoadAnchor of a foreign key': () => {
    const params = { key: `runs/${cluster.target.runId}/state.json`, sha256: '0'.repeat(64), bytes: 1 };
    return [
      [
        'anchor-server',
        load,
        loading(
          LoadAnchorRequest.fromJSON({
            start: foreign,
            spec,
            frozen: [{ participant: 'anchor', params }],
            term: LARGEST,
          }),
        ),
      ],
    ];
  },
} satisfies Record<string, () => [service: ServiceName, path: string, message: Buffer][]>;

const NO_CREDENTIALS =
  /^trikd\.v1\.\w+\/\w+ requires the certificate of the .*, and this caller has shown no valid one$/;
const WRONG_ROLE = /^trikd\.v1\.\w+\/\w+ requires the certificate of the .*; this caller is (mallory|the \S+)/;

/** What a call meets whose connection the server closes: a caller who is refused again and again loses it, and may connect anew. */
const CLOSED = /^Connection dropped$|\bECONNRESET$/;

/** Details of the status that ends a call; `answered` for one that gets an answer. */
function outcomeOf(client: Client, path: string, message: Buffer): Promise<string> {
  const raw = (bytes: Buffer) => bytes;
  return new Promise((resolve) => {
    client
      .makeServerStreamRequest(path, raw, raw, message, { deadline: Date.now() + 10_000 })
      .on('data', () => resolve('answered'))
      .on('end', () => resolve('answered'))
      .on('error', (error: Error & { details?: string }) => resolve(error.details ?? error.message));
  });
}

/** What those who are refused are told. The student-trainer may subscribe to the teacher: it is no thief of logits. */
const REFUSALS: readonly (readonly [thief: string, refusal: RegExp])[] = [
  ['nobody', NO_CREDENTIALS],
  ['a person', WRONG_ROLE],
  ['anchor-server', WRONG_ROLE],
  ['student-trainer', WRONG_ROLE],
];

/** Repeats the requests of an attack with one thief's credentials. @returns all that they were answered */
async function attackBy(thief: string, attack: keyof typeof ATTACKS, until: number): Promise<readonly string[]> {
  const requests = ATTACKS[attack]().map(([service, path, message]) => {
    const { address } = cluster.services.find(({ name }) => name.startsWith(service))!;
    return { client: new Client(address, thieves.get(thief)!), path, message };
  });
  const outcomes = new Set<string>();
  while (Date.now() < until) {
    for (const { client, path, message } of requests) outcomes.add(await outcomeOf(client, path, message));
    await lasting(1000 / CALLS_PER_SECOND);
  }
  for (const { client } of requests) client.close();
  return [...outcomes];
}

test.each(Object.keys(ATTACKS) as (keyof typeof ATTACKS)[])(
  '%s is refused by name, whoever tries it, and training goes on',
  async (attack) => {
    const attempts = cluster.steps.attempts();
    const from = Date.now();
    const refused = REFUSALS.filter(([thief]) => attack !== 'theft of logits' || thief !== 'student-trainer');
    const outcomes = await Promise.all(
      refused.map(async ([thief, refusal]) => {
        const heard = await attackBy(thief, attack, from + 1000 * SECONDS);
        return { thief, refusal, heard };
      }),
    );
    for (const { refusal, heard } of outcomes) {
      const told = heard.filter((outcome) => !CLOSED.test(outcome));
      expect(told).not.toEqual([]);
      for (const outcome of told) expect(outcome).toMatch(refusal);
    }
    expect(cluster.steps.since(from).length).toBeGreaterThan(10);
    expect(cluster.steps.attempts()).toBe(attempts);
  },
);
