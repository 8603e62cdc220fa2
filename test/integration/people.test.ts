import { firstState } from '@trikd/core/run/state';
import { createRun, saveRun } from '@trikd/core/run/stored/run-store';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { createLogger } from '@trikd/process/logging';
import { RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import { AUDIENCE, tokenIssuer } from '@trikd/testing/servers/token-issuer';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { auditLog } from '@trikd/transport/access/audit-log';
import { OidcConfig } from '@trikd/transport/access/oidc-config';
import { tokenVerifier } from '@trikd/transport/access/tokens';
import { unary } from '@trikd/transport/grpc/clients';
import { openUserClient } from '@trikd/transport/grpc/open-user-client';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { cleanUp, serve, specOf, trio } from './orchestrator-rig.js';

afterEach(cleanUp);

const how = { what: 'it' };

/** An orchestrator for people, with a paused run of ada's in her team vision, and one without an owner. */
async function lab() {
  const issuer = await tokenIssuer();
  onTestFinished(() => issuer.close());
  const store = memoryStore();
  const owner = { subject: 'ada', team: 'vision' };
  for (const [name, more] of [
    ['hers', { owner }],
    ['old', {}],
  ] as const) {
    const run = await createRun(store, RunSpec.parse(specOf({ name })), more);
    await saveRun(store, run, { state: { ...firstState, phase: 'paused' } });
  }
  const lines: string[] = [];
  const log = createLogger({ level: 'trace' }, 'test', { write: (line) => void lines.push(line) });
  const oidc = OidcConfig.parse({
    ...{
      issuer: issuer.url,
      audience: AUDIENCE,
      verbsClaim: 'may',
      verbs: ['view', 'steer', 'delete'],
      admins: ['root'],
    },
  });
  const { address } = await serve(store, await trio(store), undefined, log, {
    tokens: tokenVerifier(oidc),
    audit: auditLog(log.child({ logger: 'audit' })),
  });
  const withToken = (token: string | undefined) => {
    const client = openUserClient(RunServiceClient, { target: address, token: async () => token });
    onTestFinished(() => client.close());
    return clientOf(client);
  };
  return {
    lines,
    withToken,
    issuer,
    person: async (sub: string, groups: readonly string[] = []) => withToken(await issuer.sign({ sub, groups })),
    audited: (): readonly Record<string, unknown>[] =>
      lines.map((line) => JSON.parse(line)).filter(({ logger }) => logger === 'audit'),
  };
}

/** The calls of the tests, each with the outcome in one word. */
function clientOf(client: RunServiceClient) {
  const outcome = (call: Promise<unknown>) =>
    call.then(
      () => 'ok',
      (error: { kind?: string }) => error.kind ?? `${error}`,
    );
  const run = (runId: string) => ({ runId, requestId: 'request-1' });
  return {
    client,
    create: (change: object, more: { takeOver?: boolean; team?: string; priority?: number } = {}) => {
      const { takeOver = false, team = '', priority = 0 } = more;
      const spec = JSON.stringify(specOf(change));
      const placement = { class: '', queue: '', priority };
      return unary(client.createRun.bind(client), { spec, requestId: 'request-1', takeOver, team, placement }, how);
    },
    names: async () => {
      const { runs } = await unary(client.listRuns.bind(client), { pageSize: 0, pageToken: '', phases: [] }, how);
      return runs.map(({ runId }) => runId);
    },
    outcomes: async (runId: string) => ({
      get: await outcome(unary(client.getRun.bind(client), { runId }, how)),
      watch: await outcome(firstOf(client.watchRun({ runId, fromEvent: 0, pastOnly: true }))),
      pause: await outcome(unary(client.pauseRun.bind(client), run(runId), how)),
      cancel: await outcome(unary(client.cancelRun.bind(client), run(runId), how)),
      delete: await outcome(unary(client.deleteRun.bind(client), run(runId), how)),
    }),
  };
}

async function firstOf(messages: AsyncIterable<unknown>): Promise<void> {
  try {
    for await (const _ of messages) return;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    throw Object.assign(new Error('refused'), { kind: code === 5 ? 'not-found' : `status ${code}` });
  }
}

describe('the run of a person', () => {
  test('is for all others a run that does not exist, whatever they ask', async () => {
    const { person } = await lab();
    const bob = await person('bob', ['speech']);
    expect(await bob.names()).toEqual([]);
    const absent = await bob.outcomes('no-such-run');
    expect(absent).toMatchObject({ get: 'not-found', watch: 'not-found', pause: 'not-found', delete: 'not-found' });
    expect(await bob.outcomes('hers')).toEqual(absent);
    expect(await bob.outcomes('old')).toEqual(absent);
    expect(await (await person('ada')).names()).toEqual(['hers']);
  });

  test('keeps its name: the run of another owner cannot have it', async () => {
    const { person } = await lab();
    const bob = await person('bob');
    await expect(bob.create({ name: 'hers' })).rejects.toMatchObject({ kind: 'forbidden', message: /is taken/ });
    await expect(bob.create({ name: 'hers', seed: 9 })).rejects.toMatchObject({ kind: 'forbidden' });
  });

  test('is theirs and their team’s, to see, steer and delete', async () => {
    const { person } = await lab();
    const cyd = await person('cyd', ['vision']);
    expect(await cyd.names()).toEqual(['hers']);
    expect(await cyd.outcomes('hers')).toEqual({
      get: 'ok',
      watch: 'ok',
      pause: 'wrong-state',
      cancel: 'ok',
      delete: 'ok',
    });
  });

  test('and those without an owner are an admin’s too', async () => {
    const { person } = await lab();
    const root = await person('root');
    expect(await root.names()).toEqual(['hers', 'old']);
  });
});

test('a new run belongs to its creator and to the team that they name', async () => {
  const { person } = await lab();
  const dan = await person('dan', ['vision', 'speech']);
  await expect(dan.create({ name: 'his' }, { team: 'finance' })).rejects.toMatchObject({ kind: 'forbidden' });
  const { run } = await dan.create({ name: 'his' }, { team: 'speech' });
  expect(run?.owner).toEqual({ subject: 'dan', team: 'speech' });
  expect(await (await person('eve', ['speech'])).names()).toEqual(['his']);
  expect(await (await person('ada', ['vision'])).names()).toEqual(['hers']);
});

test('leadership and a priority above the others are for admins', async () => {
  const { person } = await lab();
  const ada = await person('ada');
  await expect(ada.create({ name: 'mine' }, { takeOver: true })).rejects.toMatchObject({ kind: 'forbidden' });
  await expect(ada.create({ name: 'mine' }, { priority: 1 })).rejects.toMatchObject({ kind: 'forbidden' });
  expect((await (await person('root')).create({ name: 'mine' }, { takeOver: true, priority: 1 })).run).toBeDefined();
});

describe('the audit log', () => {
  test('has a line for each change and each refusal, with who, what and how it ended, and none for reading', async () => {
    const { person, audited } = await lab();
    await (await person('ada')).names();
    expect(audited()).toEqual([]);
    await (await person('bob')).outcomes('hers');
    const ada = await person('ada');
    await unary(ada.client.cancelRun.bind(ada.client), { runId: 'hers', requestId: 'request-7' }, how);
    const common = { kind: 'user', peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/), run: 'hers' };
    const masked = { ...common, subject: 'bob', outcome: 'NOT_FOUND', reason: 'the run belongs to another owner' };
    expect(audited()).toMatchObject([
      { ...masked, method: 'trikd.v1.RunService/GetRun' },
      { ...masked, method: 'trikd.v1.RunService/WatchRun' },
      { ...masked, method: 'trikd.v1.RunService/PauseRun', requestId: 'request-1' },
      { ...masked, method: 'trikd.v1.RunService/CancelRun' },
      { ...masked, method: 'trikd.v1.RunService/DeleteRun' },
      { ...common, subject: 'ada', method: 'trikd.v1.RunService/CancelRun', outcome: 'OK', requestId: 'request-7' },
    ]);
  });

  test('has who was refused for a verb that they lack, and what nobody known asked for', async () => {
    const { issuer, withToken, audited } = await lab();
    await expect(withToken(undefined).names()).rejects.toMatchObject({ kind: 'unauthenticated' });
    await expect(withToken(await issuer.sign({ aud: 'other' })).names()).rejects.toMatchObject({
      kind: 'unauthenticated',
      message: expect.stringContaining('its claim aud is not accepted here'),
    });
    expect(audited()).toMatchObject([
      { kind: 'unknown', subject: '', method: 'trikd.v1.RunService/ListRuns', outcome: 'UNAUTHENTICATED' },
      { kind: 'unknown', subject: '', outcome: 'UNAUTHENTICATED', reason: expect.stringContaining('aud') },
    ]);
  });

  test('and every other log is without tokens, valid ones and others', async () => {
    const { issuer, withToken, lines } = await lab();
    const tokens = [await issuer.sign(), await issuer.sign({ exp: 1 }), `${await issuer.sign()}x`, 'canary-6b1f'];
    for (const token of tokens) {
      const { names, create } = withToken(token);
      await names().catch(() => undefined);
      await create({ name: 'mine' }).catch(() => undefined);
    }
    expect(lines.length).toBeGreaterThan(4);
    const text = lines.join('');
    for (const token of tokens) for (const part of token.split('.').slice(-2)) expect(text).not.toContain(part);
  });
});
