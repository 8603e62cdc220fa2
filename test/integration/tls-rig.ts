import { join } from 'node:path';
import { createLogger } from '@trikd/process/logging';
import { certificateOf, writeTls } from '@trikd/testing/servers/certificates';
import type { KeyPair } from '@trikd/transport/access/authority';
import type { Role } from '@trikd/transport/access/caller';
import { openSecurity, type Security } from '@trikd/transport/access/security';
import { onTestFinished } from 'vitest';

const log = createLogger({ level: 'silent' }, 'test');

/** The security of a role within a test. */
export async function securityOf(folder: string, authority: KeyPair, role: Role): Promise<Security> {
  const tls = writeTls(join(folder, role), authority.cert, await certificateOf(authority, role));
  const security = openSecurity({ tls, plaintext: 'loopback' }, role, log);
  onTestFinished(() => security.close());
  return security;
}
