import { fileURLToPath } from 'node:url';
import { ALL_LOGITS, type FrameFormat, logitsBytes } from '@trikd/core/exchange/frame';
import type { EndOptions } from '../exchange-end.ts';
import { startLineProcess } from '../line-process.ts';
import { summarise } from '../statistics.ts';
import { openDelayingRelay } from './delaying-relay.ts';
import type { Sample } from './fit.ts';

const SIZES: readonly { readonly rows: number; readonly cols: number; readonly format?: FrameFormat }[] = [
  { rows: 128, cols: 10 },
  { rows: 128, cols: 100 },
  { rows: 128, cols: 1000 },
  { rows: 256, cols: 1000 },
  { rows: 128, cols: 4000 },
  { rows: 128, cols: 10_000 },
];
/** Above it, each further byte takes longer: a frame is copied through memory, and V8 collects its whole heap every few frames. */
const LARGE_FRAME = 1_000_000;
/** Milliseconds one way, of a network with twice as long a round trip. */
const DELAYS = [0, 10];
const ROLES = ['teacher', 'student'] as const;

/** Exchanges of two processes over loopback and over relays that delay, both ways at once. */
export async function measureTransport() {
  const times: Sample[] = [];
  const traffic: Sample[] = [];
  for (const { rows, cols, format = ALL_LOGITS } of SIZES) {
    const frameBytes = logitsBytes(format, rows, cols);
    for (const delay of DELAYS) {
      const what = `${rows}x${cols}, ${delay} ms one way`;
      const { median, bytesPerFrame } = await exchange({ rows, cols, format }, delay);
      console.log(`${what}: ${median.toFixed(3)} ms an exchange`);
      times.push({
        what,
        at: { frameBytes, furtherBytes: Math.max(0, frameBytes - LARGE_FRAME), delay },
        value: median,
      });
      if (delay === 0) traffic.push({ what: `${rows}x${cols}`, at: { frameBytes }, value: bytesPerFrame });
    }
  }
  return { times, traffic };
}

async function exchange(size: Pick<EndOptions, 'rows' | 'cols' | 'format'>, delay: number) {
  const end = fileURLToPath(new URL('../exchange-end.ts', import.meta.url));
  const ends = ROLES.map(() => startLineProcess(process.execPath, [end]));
  const all = (lines: readonly string[]) => Promise.all(ends.map((each, index) => each.ask(lines[index]!)));
  const listening = await all(ROLES.map((role) => `listen ${JSON.stringify({ ...size, kind: 'grpc', role })}`));
  const relays = await Promise.all(
    (listening as { address: string }[]).map(({ address }) => openDelayingRelay(address, delay)),
  );
  await all([`connect ${relays[1]!.address}`, `connect ${relays[0]!.address}`]);
  const bytes = size.rows * size.cols;
  const steps = delay > 0 ? 40 : bytes > 500_000 ? 150 : 1500;
  await all(ROLES.map(() => `step ${delay > 0 ? 20 : steps}`));
  const before = relays[0]!.sent();
  const [first] = (await all(ROLES.map(() => `step ${steps}`))) as [{ ms: number[] }];
  const bytesPerFrame = (relays[0]!.sent() - before) / steps;
  for (const relay of relays) relay.close();
  await Promise.all(ends.map((each) => each.end()));
  return { median: summarise(first.ms).median, bytesPerFrame };
}
