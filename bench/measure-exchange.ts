import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FrameFormat } from '@trikd/core/exchange/frame';
import { certificateOf, newAuthority, writeTls } from '@trikd/testing/servers/certificates';
import { serviceOf } from '@trikd/transport/access/caller';
import type { TlsConfig } from '@trikd/transport/access/tls-config';
import type { EndOptions } from './exchange-end.ts';
import type { Finding, Ratio } from './finding.ts';
import { startLineProcess } from './line-process.ts';
import { type Contestant, compare, ratio } from './rounds.ts';

/** Rows and classes, what we hold ourselves to beside bare TCP, and steps of a round. */
const SIZES = [
  { rows: 128, cols: 10, goal: 3, steps: 2000 },
  { rows: 128, cols: 100, goal: 1.4, steps: 2000 },
  { rows: 256, cols: 1000, goal: 1, steps: 400 },
  { rows: 128, cols: 10_000, goal: 1, steps: 60 },
] as const;

/** TLS beside plain text. */
const TLS_GOAL = 1.6;

/** Formats that are measured where there are many classes. */
const MANY_CLASSES = 1000;
const FORMATS: Readonly<Record<string, FrameFormat>> = {
  float16: { precision: 'float16' },
  'top 32': { precision: 'float32', topK: 32 },
};

// Before some thousand small steps V8 still compiles, and the two sides are not at their steady speed.
const WARMUP_ROUNDS = 4;

const ROLES = ['teacher', 'student'] as const;

/** Two processes that swap logits, through our exchange, in plain text and with TLS, and through a bare TCP connection. */
export async function measureExchange(rounds: number): Promise<Finding> {
  const comparisons = [];
  const ratios: Ratio[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'trikd-bench-exchange-'));
  try {
    const authority = await newAuthority();
    const files = ROLES.map(async (role) => {
      const service = serviceOf(role);
      return [role, writeTls(join(folder, role), authority.cert, await certificateOf(authority, service))] as const;
    });
    const tls = Object.fromEntries(await Promise.all(files)) as Record<EndOptions['role'], TlsConfig>;
    for (const { rows, cols, goal, steps } of SIZES) {
      const size = `${rows}x${cols}`;
      const pair = (name: string, end: (role: EndOptions['role']) => Omit<EndOptions, 'role' | 'rows' | 'cols'>) =>
        pairOf(name, (role) => ({ ...end(role), role, rows, cols }));
      const contestants = [
        await pair('exchange', () => ({ kind: 'grpc' })),
        await pair('raw TCP', () => ({ kind: 'tcp' })),
        await pair('exchange, TLS', (role) => ({ kind: 'grpc', tls: tls[role] })),
      ];
      for (const [name, format] of Object.entries(cols < MANY_CLASSES ? {} : FORMATS)) {
        contestants.push(await pair(`exchange, ${name}`, () => ({ kind: 'grpc', format })));
      }
      const options = { rounds, steps, warmup: WARMUP_ROUNDS * steps };
      const comparison = await compare(`exchange of ${size} logits, both ways`, contestants, options);
      comparisons.push(comparison);
      const against = (a: string, b: string, most: number) =>
        ratios.push({ what: `${a} / ${b}, ${size}`, value: ratio(comparison, a, b), goal: most });
      against('exchange', 'raw TCP', goal);
      against('exchange, TLS', 'exchange', TLS_GOAL);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return { comparisons, ratios };
}

async function pairOf(name: string, options: (role: EndOptions['role']) => EndOptions): Promise<Contestant> {
  const end = fileURLToPath(new URL('exchange-end.ts', import.meta.url));
  const pair = ROLES.map(() => startLineProcess(process.execPath, [end]));
  const [left, right] = pair as [(typeof pair)[0], (typeof pair)[0]];
  const both = (a: string, b: string) => Promise.all([left.ask(a), right.ask(b)]);
  const listen = (role: EndOptions['role']) => `listen ${JSON.stringify(options(role))}`;
  const [a, b] = (await both(listen(ROLES[0]), listen(ROLES[1]))) as { address: string }[];
  await both(`connect ${b!.address}`, `connect ${a!.address}`);
  return {
    name,
    async step(count) {
      const [{ ms }] = (await both(`step ${count}`, `step ${count}`)) as [{ ms: number[] }, unknown];
      return ms;
    },
    async end() {
      await Promise.all([left.end(), right.end()]);
    },
  };
}
