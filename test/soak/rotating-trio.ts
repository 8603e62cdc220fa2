import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MOST_GENERATIONS } from '@trikd/core/spec/run-spec';
import { createLogger } from '@trikd/process/logging';
import { SERVICE_NAMES, type ServiceName } from '@trikd/process/service-process';
import { RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import { startCluster } from '@trikd/testing/processes/cluster';
import { certificateOf, newAuthority, tlsFilesIn, writeTls } from '@trikd/testing/servers/certificates';
import { specFor } from '@trikd/testing/specs/spec-for';
import type { KeyPair } from '@trikd/transport/access/authority';
import { openSecurity } from '@trikd/transport/access/security';
import { openClient, unary } from '@trikd/transport/grpc/clients';

/** For which a key without its certificate, or half of one, lies there: services look once a second. */
const TORN_MS = 2_500;
/** Seconds after which connections are replaced, so that each rotation meets new ones. */
const CONNECTION_AGE = 2;
const EPOCHS = 200;

export interface RotationOptions {
  /** Gets everything. */
  readonly folder: string;
  readonly rotations: number;
  /** Between the beginnings of two rotations. */
  readonly everySeconds: number;
  readonly say: (line: string) => void;
}

/** What happened while certificates were rotated. */
export interface RotationResult {
  /** Steps trained by the end of each rotation: ever more. */
  readonly steps: readonly number[];
  /** Certificates that all services together have adopted. */
  readonly adopted: number;
  /** Sets of files that they have refused as torn. */
  readonly refused: number;
  /** Attempts of the run that were lost. */
  readonly lost: number;
  /** Calls of an own client that failed. */
  readonly failures: readonly string[];
}

/**
 * Lets four services train with certificates that change all the time: each rotation brings a new authority, and to each service a new
 * certificate by it, of which the key comes first, or half of the certificate. A client with certificates of its own calls meanwhile.
 */
export async function trainWhileRotating(options: RotationOptions): Promise<RotationResult> {
  const { folder, rotations, everySeconds, say } = options;
  const placeOf = (name: string) => join(folder, 'certificates', name);
  // Each authority is trusted before it signs, and after it has signed.
  const authorities = await Promise.all([newAuthority(), newAuthority(), newAuthority()]);
  const trusted = () =>
    authorities
      .slice(-3)
      .map(({ cert }) => cert)
      .join('\n');
  const tls: Partial<Record<ServiceName, object>> = {};
  for (const name of SERVICE_NAMES) {
    const section = writeTls(placeOf(name), trusted(), await certificateOf(authorities.at(-2)!, name));
    tls[name] = { ...section, connectionAge: CONNECTION_AGE };
  }
  const own = writeTls(placeOf('client'), trusted(), await certificateOf(authorities.at(-2)!, 'orchestrator'));
  mkdirSync(folder, { recursive: true });
  const cluster = await startCluster({
    folder,
    store: { kind: 'folder', path: join(folder, 'store') },
    orchestrators: 1,
    each: (service) => ({ tls: tls[service] }),
  });
  const security = openSecurity(
    { tls: own, plaintext: 'loopback' },
    'orchestrator',
    createLogger({ level: 'silent' }, 'client'),
  );
  const [orchestrator] = cluster.orchestrators;
  const failures: string[] = [];
  const client = openClient(RunServiceClient, orchestrator!.address, { role: 'orchestrator', security });
  const what = 'the orchestrator';
  const stepsDone = async () => {
    const { run } = await unary(client.getRun.bind(client), { runId: spec.name }, { what });
    return Number(run?.progress?.stepsDone ?? 0);
  };
  const spec = specFor('soak', { name: 'rotated', epochs: EPOCHS, curriculum: { generations: MOST_GENERATIONS } });
  try {
    const request = { spec: JSON.stringify(spec), requestId: '', takeOver: true, placement: undefined, team: '' };
    await unary(client.createRun.bind(client), request, { what, deadlineSeconds: 60 });
    const steps: number[] = [];
    for (let round = 0; round < rotations; round++) {
      const next = performance.now() + 1000 * everySeconds;
      authorities.push(await newAuthority());
      const signer = authorities.at(-2)!;
      await Promise.all(
        [...SERVICE_NAMES, 'client' as const].map(async (name) => {
          const pair = await certificateOf(signer, name === 'client' ? 'orchestrator' : name);
          await replaceTorn(placeOf(name), trusted(), pair, round % 2 === 0 ? 'key first' : 'half a certificate');
        }),
      );
      while (performance.now() < next) {
        await delay(200);
        await stepsDone().catch((error: unknown) => failures.push(`${error}`));
      }
      steps.push(await stepsDone());
      say(`rotation ${round + 1} of ${rotations}: ${steps.at(-1)} steps`);
    }
    const logs = cluster.services.map(({ log }) => readFileSync(log, 'utf8'));
    const count = (message: string) => logs.join('').split(`"msg":"${message}"`).length - 1;
    return {
      steps,
      adopted: count('certificates replaced'),
      refused: count('new certificates are not usable, the previous ones stay'),
      lost: count('attempt lost'),
      failures,
    };
  } finally {
    client.close();
    security.close();
    await cluster.stop();
  }
}

/** Replaces a service's files, with a time in between in which they do not belong together. */
async function replaceTorn(
  folder: string,
  ca: string,
  { cert, key }: KeyPair,
  how: 'key first' | 'half a certificate',
) {
  const files = tlsFilesIn(folder);
  writeFileSync(files.ca, ca);
  if (how === 'half a certificate') writeFileSync(files.cert, cert.slice(0, cert.length / 2));
  else writeFileSync(files.key, key);
  await delay(TORN_MS);
  writeFileSync(files.key, key);
  writeFileSync(`${files.cert}.new`, cert);
  renameSync(`${files.cert}.new`, files.cert);
}
