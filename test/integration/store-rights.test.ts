import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { openStore } from '@trikd/store/open-store';
import { secret } from '@trikd/store/store-config';
import { storeEndedStages } from '@trikd/testing/runs/served-run';
import { addStoreUsers, type StoreRole, type StoreUser, TEAM } from '@trikd/testing/servers/minio-users';
import { type S3Server, startS3Server } from '@trikd/testing/servers/s3-server';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { apiOf, configOf, storeOn, text } from './s3-rig.js';
import { infer, inferRequest, serveModels, spec } from './serving-rig.js';

let folder: string;
let server: S3Server;
let users: Readonly<Record<StoreRole, StoreUser>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trikd-rights-'));
  server = await startS3Server('minio', { folder });
  users = addStoreUsers(server);
});
afterAll(async () => {
  await server.kill();
  await rm(folder, { recursive: true });
});

const BLOB = 'runs/mine/blobs/0.1/ab.safetensors';
const KEYS = {
  blob: BLOB,
  'blob that looks like an answer': 'runs/mine/blobs/answers/ab.safetensors',
  answer: 'runs/mine/answers/0/teacher/8.safetensors',
  manifest: 'runs/mine/manifests/0/1.1.json',
  'key that looks like a blob': 'runs/mine/manifests/blobs/ab.safetensors',
  'other file among the blobs': 'runs/mine/blobs/0.1/ab.json',
  state: 'runs/mine/state.json',
  spec: 'runs/mine/spec.json',
  pointer: 'runs/mine/anchor.json',
  lease: 'leases/orchestrator.json',
  'queue marker': 'queue/mine',
  events: 'events/mine/1.1.jsonl',
} as const;
type What = keyof typeof KEYS;
const WHATS = Object.keys(KEYS) as What[];
/** What only trainers write, or nobody. */
const BLOBS: readonly What[] = ['blob', 'blob that looks like an answer'];
const LIKE_BLOBS: readonly What[] = [...BLOBS, 'key that looks like a blob', 'other file among the blobs'];
const OWN = WHATS.filter((what) => !LIKE_BLOBS.includes(what));

/** The store of the team, or of another prefix, as a role, or as the owner of all, sees it. */
function storeOf(role: StoreRole | 'owner', prefix = TEAM): ObjectStore {
  const user = role === 'owner' ? {} : users[role];
  return storeOn(apiOf({ ...server, ...user, prefix }));
}

const denied = { kind: 'unavailable', details: { code: 'AccessDenied' } };

async function verdict(work: Promise<unknown>): Promise<'done' | 'denied'> {
  try {
    await work;
    return 'done';
  } catch (error) {
    expect(error).toMatchObject(denied);
    return 'denied';
  }
}

/** What a role may do with which objects; everything else is denied. */
const MAY: Readonly<
  Record<StoreRole, Readonly<Record<'get' | 'put' | 'create' | 'replace' | 'remove', readonly What[]>>>
> = {
  orchestrator: { get: WHATS, put: OWN, create: OWN, replace: OWN, remove: WHATS },
  trainer: { get: BLOBS, put: BLOBS, create: BLOBS, replace: BLOBS, remove: [] },
  'anchor-server': { get: [...BLOBS, 'answer'], put: ['answer'], create: ['answer'], replace: ['answer'], remove: [] },
  serving: { get: [...BLOBS, 'spec', 'state', 'pointer'], put: [], create: [], replace: [], remove: [] },
};
const ROLES = Object.keys(MAY) as StoreRole[];

describe.each(ROLES)('the policy of the %s', (role) => {
  beforeEach(async () => {
    for (const key of Object.values(KEYS)) await storeOf('owner').put(key, text('as it was'));
  });

  test.each(WHATS)('allows what it needs, and nothing else: %s', async (what) => {
    const [store, key] = [storeOf(role), KEYS[what]];
    const { version } = (await storeOf('owner').get(key))!;
    const verdicts = {
      get: await verdict(store.get(key)),
      replace: await verdict(store.replace(key, text('another'), version)),
      put: await verdict(store.put(key, text('another'))),
      remove: await verdict(store.remove(key)),
      create: await verdict(
        storeOf('owner')
          .remove(key)
          .then(() => store.create(key, text('another'))),
      ),
    };
    const expected = Object.entries(MAY[role]).map(([verb, whats]) => [verb, whats.includes(what) ? 'done' : 'denied']);
    expect(verdicts).toEqual(Object.fromEntries(expected));
  });

  test('ends at the prefix', async () => {
    for (const prefix of ['other', 'team2']) {
      await storeOf('owner', prefix).put(BLOB, text('of others'));
      const store = storeOf(role, prefix);
      expect(await verdict(store.get(BLOB))).toBe('denied');
      expect(await verdict(store.put(BLOB, text('mine')))).toBe('denied');
      expect(await verdict(store.remove(BLOB))).toBe('denied');
      expect(await verdict(store.list('runs/'))).toBe('denied');
    }
    const whole = storeOn(apiOf({ ...server, ...users[role] }));
    expect(await verdict(whole.list(''))).toBe('denied');
  });
});

test('the orchestrator lists the names of its prefix, the anchor-server those of answers, and a trainer none', async () => {
  await storeOf('owner').put(KEYS.state, text('{}'));
  expect(await storeOf('orchestrator').list('runs/')).toContain(KEYS.state);
  expect(await verdict(storeOf('trainer').list('runs/'))).toBe('denied');
  expect(await storeOf('serving').list(KEYS.state)).toEqual([KEYS.state]);
  expect(await verdict(storeOf('serving').list('runs/mine/'))).toBe('denied');
  await storeOf('owner').put(KEYS.answer, text('it'));
  expect(await storeOf('anchor-server').list('runs/mine/answers/0/teacher/')).toEqual([KEYS.answer]);
  expect(await verdict(storeOf('anchor-server').list('runs/mine/'))).toBe('denied');
  expect(await verdict(storeOf('anchor-server').list('runs/mine/blobs/'))).toBe('denied');
});

test('a blob that is gone is absent, also for a role that cannot list', async () => {
  const gone = 'runs/mine/blobs/9.9/gone.safetensors';
  for (const role of ROLES) {
    expect(await storeOf(role).get(gone)).toBeUndefined();
    expect(await storeOf(role).size(gone)).toBeUndefined();
  }
});

test('a server of models needs no rights but those of serving', async () => {
  await storeEndedStages(storeOf('owner'), spec, 1);
  const { models, client } = await serveModels({ store: storeOf('serving') });
  await expect.poll(() => models.ready(), { timeout: 30_000, interval: 20 }).toBe(true);
  expect(await infer({ client }, inferRequest(0, 1))).toMatchObject({ modelName: spec.name, modelVersion: '0' });
});

test('each role passes what its service verifies at its start', async () => {
  const open = (role: StoreRole, verify: 'writes' | 'reads') =>
    openStore({ ...configOf({ ...server, ...users[role] }), prefix: TEAM }, { verify });
  await open('orchestrator', 'writes');
  await open('trainer', 'reads');
  await open('anchor-server', 'reads');
  await open('serving', 'reads');
  await expect(open('trainer', 'writes')).rejects.toMatchObject(denied);
  const elsewhere = { ...configOf({ ...server, ...users.trainer }), prefix: 'other' };
  await expect(openStore(elsewhere, { verify: 'reads' })).rejects.toMatchObject(denied);
  const stranger = { ...configOf(server), secretKey: secret('a wrong one'), prefix: TEAM };
  await expect(openStore(stranger, { verify: 'reads' })).rejects.toMatchObject({
    details: { code: 'SignatureDoesNotMatch' },
  });
});
