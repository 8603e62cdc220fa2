/**
 * What TLS costs a step: the trio of an example as services, in plain text and with certificates at both ends of every connection, in turns.
 *
 * usage: node bench/tls.ts [--rounds N] [--steps N] [--spec FILE]      wants a quiet machine
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@trikd/process/logging';
import { SERVICE_NAMES, type ServiceName } from '@trikd/process/service-process';
import { settingsOf } from '@trikd/testing/processes/settings';
import { certificateOf, newAuthority, writeTls } from '@trikd/testing/servers/certificates';
import { openSecurity } from '@trikd/transport/access/security';
import { startDistributed } from './distributed.ts';
import { metered } from './metered.ts';
import { compare, ratio } from './rounds.ts';
import { summarise } from './statistics.ts';
import { stepOptions } from './step-options.ts';

const { rounds, steps, file, spec } = stepOptions(20);
const GOAL = 1.02;

const folder = mkdtempSync(join(tmpdir(), 'trikd-bench-tls-'));
const authority = await newAuthority();
const certificates = new Map(
  await Promise.all(SERVICE_NAMES.map(async (name) => [name, await certificateOf(authority, name)] as const)),
);
const tlsOf = (name: ServiceName) => writeTls(join(folder, name), authority.cert, certificates.get(name)!);
const security = openSecurity(
  { tls: tlsOf('orchestrator'), plaintext: 'loopback' },
  'orchestrator',
  createLogger({ level: 'silent' }, 'bench'),
);
const tls = { settings: (name: ServiceName) => settingsOf({ tls: tlsOf(name) }), security };
/** As `trikd run` starts services. */
const env = { NODE_OPTIONS: '--max-semi-space-size=8', MALLOC_ARENA_MAX: '2' };
try {
  const plain = metered(await startDistributed('plain text', spec, { env }));
  const guarded = metered(await startDistributed('TLS', spec, { env, tls }));
  const comparison = await compare(`a step of ${file}`, [plain, guarded], { rounds, steps, warmup: 2 * steps });
  for (const [name, { median, p99 }] of Object.entries(comparison.contestants)) {
    console.log(`${name}: ${median.toFixed(3)} ms a step (p99 of turns ${p99.toFixed(3)})`);
  }
  const value = ratio(comparison, 'TLS', 'plain text');
  console.log(`TLS / plain text, median of turns against each other: ${value.toFixed(4)} (goal: at most ${GOAL})`);
  for (const service of Object.keys(plain.pids)) {
    const more = guarded.cpu(service).map((ms, turn) => ms - plain.cpu(service)[turn]!);
    const usual = summarise(plain.cpu(service)).median;
    console.log(
      `${service}: ${summarise(more).median.toFixed(3)} ms of processor a step more than ${usual.toFixed(3)}`,
    );
  }
  process.exitCode = value <= GOAL ? 0 : 1;
} finally {
  security.close();
  rmSync(folder, { recursive: true });
}
process.exit();
