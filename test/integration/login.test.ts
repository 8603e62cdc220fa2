import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { createLogger } from '@trikd/process/logging';
import { OidcConfig } from '@trikd/transport/access/oidc-config';
import { tokenVerifier } from '@trikd/transport/access/tokens';
import { createService } from '@trikd/transport/nest/create-service';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runProgram } from '../../services/cli/src/program.js';
import { orchestratorModule } from '../../services/orchestrator/src/api/orchestrator.module.js';
import { RUN_SERVICE } from '../../services/orchestrator/src/api/run-service.js';
import type { Orchestrator } from '../../services/orchestrator/src/orchestrator.js';
import { CLIENT, type People, people } from './people-rig.js';
import { printedBy } from './printed.js';

const log = createLogger({ level: 'silent' }, 'test');

/** An orchestrator without runs, for people who log in at a provider. */
async function serverFor({ url }: People): Promise<string> {
  const orchestrator: Partial<Orchestrator> = { list: async () => ({ runs: [], unreadable: [], nextToken: '' }) };
  const oidc = OidcConfig.parse({ issuer: url, audience: [CLIENT] });
  const service = await createService({
    module: orchestratorModule(orchestrator as Orchestrator),
    services: { 'trikd.v1.RunService': RUN_SERVICE },
    listen: '127.0.0.1:0',
    tokens: tokenVerifier(oidc),
    login: { issuer: url, clientId: CLIENT },
    log,
    drainSeconds: 1,
  });
  onTestFinished(() => service.close());
  return service.address;
}

/** The home of a user who has not logged in anywhere. */
function home(): { readonly XDG_CONFIG_HOME: string } {
  const folder = mkdtempSync(join(tmpdir(), 'trikd-home-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return { XDG_CONFIG_HOME: folder };
}

/** `trikd login`, with a person who goes to the address that it prints. */
async function logIn(server: string, env: object, visit: (address: string) => Promise<void>) {
  const stderr = new PassThrough();
  let visited: Promise<void> | undefined;
  let text = '';
  stderr.on('data', (part) => {
    text += part;
    const [, address] = /or open (\S+)/.exec(text) ?? [];
    if (address !== undefined) visited ??= visit(address);
  });
  const printed = await printedBy((shell) => runProgram(['login', '--server', server], { ...shell, stderr }), {
    ...env,
  });
  await visited;
  return { ...printed, stderr: text };
}

const trikd = (server: string, env: object, ...words: readonly string[]) =>
  printedBy((shell) => runProgram([...words, '--server', server], shell), { ...env });

describe('trikd login', () => {
  test('logs in at the provider that the server names, and the next commands are made by that person', async () => {
    const provider = await people();
    const server = await serverFor(provider);
    const env = home();
    expect(await trikd(server, env, 'runs', 'list')).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/ListRuns requires[\s\S]*`trikd login`/),
    });
    const { status, stdout, stderr } = await logIn(server, env, (address) => provider.agree(address, 'ada'));
    expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: `logged in for ${server}\n` });
    const who = await trikd(server, env, 'whoami', '-o', 'json');
    expect(JSON.parse(who.stdout)).toEqual({
      ...{ kind: 'user', subject: 'ada', teams: ['team-ada'], verbs: ['view', 'steer', 'delete'] },
    });
    expect(await trikd(server, env, 'runs', 'list')).toMatchObject({ status: 0, stdout: 'no runs\n' });
  });

  test('keeps the login for this user alone, and a logout ends it', async () => {
    const provider = await people();
    const server = await serverFor(provider);
    const env = home();
    await logIn(server, env, (address) => provider.agree(address, 'ada'));
    const folder = join(env.XDG_CONFIG_HOME, 'trikd');
    const file = join(folder, 'logins.json');
    expect([statSync(folder).mode & 0o777, statSync(file).mode & 0o777]).toEqual([0o700, 0o600]);
    const { refresh } = JSON.parse(readFileSync(file, 'utf8')).logins[server];
    expect(await trikd(server, env, 'logout')).toMatchObject({ status: 0, stdout: `logged out of ${server}\n` });
    expect(readFileSync(file, 'utf8')).toBe('{"version":1,"logins":{}}');
    expect(await trikd(server, env, 'whoami')).toMatchObject({ status: 3 });
    const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: CLIENT, refresh_token: refresh });
    const answer = await fetch(`${provider.url}/token`, { method: 'POST', body });
    expect(await answer.json()).toMatchObject({ error: 'invalid_grant' });
  });

  test('is not read from a file of another version, which is named with the one that is read', async () => {
    const server = await serverFor(await people());
    const env = home();
    mkdirSync(join(env.XDG_CONFIG_HOME, 'trikd'));
    const file = join(env.XDG_CONFIG_HOME, 'trikd', 'logins.json');
    writeFileSync(file, '{"version":2,"logins":{}}');
    expect((await trikd(server, env, 'whoami')).stderr).toContain(
      `${file} has version 2, and only version 1 is read: use the version of trikd that wrote it, or remove it and log in again`,
    );
  });

  test('renews a token that expires, also for commands that run at the same time', async () => {
    // Shorter than the time before its end at which a token is replaced.
    const provider = await people(15);
    const server = await serverFor(provider);
    const env = home();
    await logIn(server, env, (address) => provider.agree(address, 'ada'));
    const many = await Promise.all(Array.from({ length: 4 }, () => trikd(server, env, 'whoami')));
    expect(many.map(({ status, stdout }) => `${status} ${stdout.split('\n')[0]}`)).toEqual(Array(4).fill('0 ada'));
  });

  test('that is declined ends with 3, and keeps nothing', async () => {
    const provider = await people();
    const server = await serverFor(provider);
    const env = home();
    const { status, stderr } = await logIn(server, env, (address) => provider.decline(address));
    expect({ status, stderr }).toEqual({
      status: 3,
      stderr: expect.stringMatching(/cannot log in at .*: it was declined/),
    });
    expect(await trikd(server, env, 'whoami')).toMatchObject({ status: 3 });
  });

  test('sends a login to the server that it was made for, and to no other', async () => {
    const provider = await people();
    const [mine, other] = [await serverFor(provider), await serverFor(provider)];
    const env = home();
    await logIn(mine, env, (address) => provider.agree(address, 'ada'));
    expect(await trikd(mine, env, 'whoami')).toMatchObject({ status: 0 });
    expect(await trikd(other, env, 'whoami')).toMatchObject({ status: 3 });
  });
});
