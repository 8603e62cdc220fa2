import { firstState } from '@trikd/core/run/state';
import { createRun, saveRun } from '@trikd/core/run/stored/run-store';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { createLogger } from '@trikd/process/logging';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { type AuditedCall, subjectOf } from '@trikd/transport/access/audit-log';
import { OidcConfig } from '@trikd/transport/access/oidc-config';
import { tokenVerifier } from '@trikd/transport/access/tokens';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { requestDeviceCode } from '../../services/cli/src/commands/login/provider.js';
import { dashboardFor } from '../../services/orchestrator/src/api/dashboard.js';
import { OrchestratorConfig } from '../../services/orchestrator/src/config.js';
import { loginProxy } from './login-proxy.js';
import { cleanUp, serve, specOf, trio } from './orchestrator-rig.js';
import { CLIENT, type People, people } from './people-rig.js';

afterEach(cleanUp);

const log = createLogger({ level: 'silent' }, 'test');

/** The token of a person who has logged in at a provider. */
async function tokenOf(person: string, provider: People): Promise<string> {
  const { completeUrl = '', login } = await requestDeviceCode({ issuer: provider.url, clientId: CLIENT });
  const done = login(new AbortController().signal);
  await provider.agree(completeUrl, person);
  return (await done).token;
}

const dashboardSettings = (listen: string) => {
  const trained = { teacher: '127.0.0.1:1', student: '127.0.0.1:1', anchor: '127.0.0.1:1' };
  const http = { listen, hosts: ['trikd.example'] };
  return OrchestratorConfig.parse({ store: { path: 'unused' }, events: 'unused', ...trained, http });
};

/** A dashboard behind a proxy where ada and bob have sessions; a run belongs to ada's team. */
async function lab() {
  const provider = await people();
  const store = memoryStore();
  const owner = { subject: 'ada', team: 'team-ada' };
  const run = await createRun(store, RunSpec.parse(specOf({ name: 'hers' })), { owner });
  await saveRun(store, run, { state: { ...firstState, phase: 'paused' } });
  const tokens = tokenVerifier(OidcConfig.parse({ issuer: provider.url, audience: CLIENT }));
  const audited: AuditedCall[] = [];
  const audit = (call: AuditedCall) => void audited.push(call);
  const { address } = await serve(store, await trio(store), undefined, log, { tokens, audit });
  const dashboard = await dashboardFor(dashboardSettings('127.0.0.1:0'), { tokens, audit, log })?.(address);
  if (!dashboard) throw new Error('there is no dashboard');
  onTestFinished(() => dashboard.close());
  const sessions = new Map([
    ['ada', await tokenOf('ada', provider)],
    ['bob', await tokenOf('bob', provider)],
    ['stale', `${await tokenOf('bob', provider)}x`],
  ]);
  const proxy = await loginProxy(dashboard.url, sessions);
  const as = (session: string) => ({
    get: (path: string) => fetch(`${proxy}${path}`, { headers: { cookie: `session=${session}` } }),
    post: (path: string, headers: Readonly<Record<string, string>> = { origin: proxy }) =>
      fetch(`${proxy}${path}`, {
        method: 'POST',
        headers: { cookie: `session=${session}`, 'content-type': 'application/json', ...headers },
        body: '{"requestId":"request-1"}',
      }),
  });
  return { as, url: dashboard.url, audited };
}

describe('the dashboard behind a proxy that logs people in', () => {
  test('shows everybody their own runs and those of their teams', async () => {
    const { as } = await lab();
    expect(await (await as('ada').get('/api/runs')).json()).toMatchObject({ runs: [{ runId: 'hers' }] });
    expect(await (await as('bob').get('/api/runs')).json()).toEqual({});
    expect(await (await as('bob').get('/api/caller')).json()).toMatchObject({ kind: 'user', subject: 'bob' });
    for (const path of ['', '/events', '/checkpoints', `/blobs/0.1/${'a'.repeat(64)}.safetensors`]) {
      expect((await as('bob').get(`/api/runs/hers${path}`)).status).toBe(404);
    }
    expect(await (await as('ada').get('/api/runs/hers/checkpoints')).json()).toEqual({});
  });

  test('changes a run in the name of the person, which the audit log keeps', async () => {
    const { as, audited } = await lab();
    expect((await as('bob').post('/api/runs/hers:cancel')).status).toBe(404);
    expect((await as('ada').post('/api/runs/hers:cancel')).status).toBe(200);
    expect(audited.map(({ caller, ...call }) => ({ subject: subjectOf(caller), ...call }))).toMatchObject([
      { subject: 'bob', run: 'hers', outcome: 'NOT_FOUND', reason: 'the run belongs to another owner' },
      { subject: 'ada', method: 'trikd.v1.RunService/CancelRun', run: 'hers', requestId: 'request-1', outcome: 'OK' },
    ]);
  });

  test('refuses a request without a valid token before anything else, and says so in the audit log', async () => {
    const { as, url, audited } = await lab();
    for (const response of [await as('stale').get('/api/runs'), await fetch(`${url}/api/runs/hers`)]) {
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    }
    expect(audited).toMatchObject([
      { method: 'GET /api/runs', outcome: 'UNAUTHENTICATED', reason: expect.stringMatching(/^the token is refused/) },
      { method: 'GET /api/runs/hers', outcome: 'UNAUTHENTICATED' },
    ]);
  });

  test('still refuses what another site makes a browser send, with the session of the person', async () => {
    const { as, audited } = await lab();
    const response = await as('ada').post('/api/runs/hers:cancel', { origin: 'https://evil.example' });
    expect(response.status).toBe(403);
    expect(audited).toMatchObject([{ method: 'POST /api/runs/hers:cancel', outcome: 'PERMISSION_DENIED' }]);
  });
});

test('the dashboard listens within the machine, where the proxy is, unless plain text is wanted', async () => {
  const start = dashboardFor(dashboardSettings('0.0.0.0:0'), { log });
  await expect(start?.('127.0.0.1:1')).rejects.toThrow(/cannot listen on 0.0.0.0:0, it speaks plain text/);
});
