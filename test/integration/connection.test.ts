import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@trikd/process/logging';
import { certificateOf, LASTING, newAuthority, writeTls } from '@trikd/testing/servers/certificates';
import { AUDIENCE, tokenIssuer } from '@trikd/testing/servers/token-issuer';
import { issueCertificate, type KeyPair } from '@trikd/transport/access/authority';
import type { Role } from '@trikd/transport/access/caller';
import { userId } from '@trikd/transport/access/caller';
import { OidcConfig } from '@trikd/transport/access/oidc-config';
import { openSecurity } from '@trikd/transport/access/security';
import { tokenVerifier } from '@trikd/transport/access/tokens';
import { createService } from '@trikd/transport/nest/create-service';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runProgram } from '../../services/cli/src/program.js';
import { orchestratorModule } from '../../services/orchestrator/src/api/orchestrator.module.js';
import { RUN_SERVICE } from '../../services/orchestrator/src/api/run-service.js';
import type { Orchestrator } from '../../services/orchestrator/src/orchestrator.js';
import { printedBy } from './printed.js';

const log = createLogger({ level: 'silent' }, 'test');

/** A server over TLS for people with tokens, and the folder of a person who may have some. */
async function lab(role: Role = 'orchestrator', hosts: readonly string[] = ['localhost']) {
  const folder = mkdtempSync(join(tmpdir(), 'trikd-connection-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const authority = await newAuthority();
  const tls = writeTls(join(folder, 'server'), authority.cert, await certificateOf(authority, role, { hosts }));
  const security = openSecurity({ tls, plaintext: 'loopback' }, role, log);
  const issuer = await tokenIssuer();
  const service = await createService({
    module: orchestratorModule({} as Orchestrator),
    services: { 'trikd.v1.RunService': RUN_SERVICE },
    listen: 'localhost:0',
    security,
    tokens: tokenVerifier(OidcConfig.parse({ issuer: issuer.url, audience: AUDIENCE })),
    log,
    drainSeconds: 1,
  });
  onTestFinished(async () => {
    await service.close();
    security.close();
    await issuer.close();
  });
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  return {
    authority,
    file,
    ca: tls.ca,
    token: await issuer.sign(),
    whoami: (env: object, ...more: readonly string[]) =>
      printedBy((shell) => runProgram(['whoami', '--server', service.address, '--timeout', '3', ...more], shell), {
        XDG_CONFIG_HOME: folder,
        ...env,
      }),
  };
}

function personal(authority: KeyPair): Promise<KeyPair> {
  return issueCertificate(authority, { uris: [userId('trikd', 'ada')], hosts: [], ...LASTING });
}

describe('a command that calls a server over TLS', () => {
  test('believes a certificate for its address and the role of the orchestrator', async () => {
    const { whoami, ca, token } = await lab();
    expect(await whoami({ TRIKD_TOKEN: token }, '--ca', ca)).toMatchObject({ status: 0 });
  });

  test('sends nothing to a server with another role, or of an authority that it does not know', async () => {
    const { whoami, ca, token } = await lab('anchor-server');
    const other = await newAuthority();
    const { whoami: ask, file } = await lab();
    expect(await whoami({ TRIKD_TOKEN: token }, '--ca', ca)).toMatchObject({ status: 4 });
    expect(await ask({ TRIKD_TOKEN: token }, '--ca', file('other.pem', other.cert))).toMatchObject({ status: 4 });
  });

  test('takes its token from the file that an option or a variable names, anew for each call', async () => {
    const { whoami, ca, file, token } = await lab();
    const path = file('token', `${token}\n`);
    const ada = { status: 0, stdout: expect.stringMatching(/^ada\n/) };
    expect(await whoami({}, '--ca', ca, '--token-file', path)).toMatchObject(ada);
    expect(await whoami({ TRIKD_TOKEN: 'older' }, '--ca', ca, '--token-file', path)).toMatchObject(ada);
    file('token', 'not a token');
    const { status, stderr } = await whoami({}, '--ca', ca, '--token-file', path);
    expect({ status, stderr }).toEqual({
      status: 3,
      stderr: expect.stringContaining(`${path} does not contain a token`),
    });
  });

  test('can show a certificate instead', async () => {
    const { whoami, ca, authority, file } = await lab();
    const { cert, key } = await personal(authority);
    const shown = ['--cert', file('ada.pem', cert), '--key', file('ada.key', key)];
    expect(await whoami({}, '--ca', ca, ...shown)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^ada\n/),
    });
  });
});

test('a token is not sent over plain text to another machine', async () => {
  const { status, stderr } = await printedBy(
    (shell) => runProgram(['whoami', '--server', 'grpc://trikd.invalid:50050'], shell),
    { TRIKD_TOKEN: 'canary' },
  );
  expect({ status, stderr }).toEqual({
    ...{ status: 3, stderr: expect.stringMatching(/a token is not sent to trikd.invalid:50050 over plain text/) },
  });
});
