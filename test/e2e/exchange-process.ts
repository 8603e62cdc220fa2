/**
 * One end of an exchange, as a process: what a trainer does with its peer, without a model. Its parent steers it by messages: see
 * `Order`. Ends with its parent.
 *
 * usage: fork it, with ROWS and COLS of the logits as arguments
 */

import { TrikdError } from '@trikd/core/domain/errors';
import { peerOf, type TrainedRole } from '@trikd/core/domain/position';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import { createFrameWindow } from '@trikd/core/exchange/frame-window';
import { subscribe } from '@trikd/core/exchange/subscribe';
import type { ExchangeSource } from '@trikd/model-host/exchange-source';
import { createLogger } from '@trikd/process/logging';
import { systemClock } from '@trikd/process/system-clock';
import { EXCHANGE_SERVICES, exchangeModule } from '@trikd/testing/servers/exchange.module';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import { dialProducer } from '@trikd/transport/grpc/exchange-client';
import { createService } from '@trikd/transport/nest/create-service';

/** What a parent can ask for. */
export type Order =
  /** Serves frames at an address. Answers with the address that was bound. */
  | { readonly do: 'serve'; readonly role: TrainedRole; readonly listen: string }
  /** Hears a peer. */
  | { readonly do: 'hear'; readonly peer: TrainedRole; readonly address: string; readonly stepTimeout: number }
  /** Publishes, then takes, so many steps in lockstep. */
  | { readonly do: 'exchange'; readonly steps: number }
  /** Publishes, as far as there is room for. */
  | { readonly do: 'publish'; readonly steps: number }
  /** Takes so many frames. */
  | { readonly do: 'take'; readonly steps: number }
  /** Answers with its state, as the others do when they are done. */
  | { readonly do: 'report' };

/** What a process answers: `ok`, or why not. */
export type Answer = {
  readonly failure?: string;
  readonly address?: string;
  readonly ms?: number;
  /** Steps published, and taken as they must be, so far. */
  readonly published?: number;
  readonly taken?: number;
  /** Resident bytes. */
  readonly rss?: number;
};

const [rows, cols] = process.argv.slice(2).map(Number) as [number, number];
const attempt = { runId: 'e2e', stage: 0, attempt: 1 };
const agreement = { specDigest: '', datasetDigest: '', classes: cols, batchSize: rows, seed: 0 };
const never = new AbortController().signal;

let window: ReturnType<typeof createFrameWindow>;
let frames: AsyncGenerator<LogitsFrame, void>;
let published = 0;
let taken = 0;

/** The logits of a step: it stands in their first and last place. */
function logitsOf(step: number, data = new Float32Array(rows * cols).fill(1)): Float32Array<ArrayBuffer> {
  data[0] = step;
  data[data.length - 1] = step;
  return data;
}

async function publish(): Promise<void> {
  const position = { ...attempt, step: published };
  const logits = { rows, cols, data: logitsOf(published) };
  await window.publish({ position, batchDigest: '00'.repeat(16), logits });
  published += 1;
}

const expected = logitsOf(0);

async function take(): Promise<void> {
  const { value } = await frames.next();
  const { data } = value?.logits ?? { data: new Float32Array() };
  const found = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (found.compare(Buffer.from(logitsOf(taken, expected).buffer)) !== 0)
    throw new Error(`other logits at step ${taken}`);
  taken += 1;
}

async function obey(order: Order): Promise<Answer> {
  switch (order.do) {
    case 'serve': {
      window = createFrameWindow({ attempt, firstStep: 0, size: 4, consumers: [peerOf(order.role)] });
      const source: ExchangeSource = {
        frames: ({ consumer, from }, signal) => window.frames(consumer, from.step, signal),
      };
      const { address } = await createService({
        module: exchangeModule(source, never),
        services: EXCHANGE_SERVICES,
        listen: order.listen,
        log: createLogger({ level: 'error' }, 'e2e'),
      });
      return { address };
    }
    case 'hear': {
      frames = subscribe({
        producer: order.peer,
        server: order.peer,
        address: order.address,
        consumer: peerOf(order.peer),
        from: { ...attempt, step: 0 },
        agreement,
        secret: SECRET,
        stepTimeoutSeconds: order.stepTimeout,
        signal: never,
        dial: dialProducer,
        clock: systemClock,
        random: Math.random,
      });
      return {};
    }
    case 'exchange': {
      const from = performance.now();
      for (let step = 0; step < order.steps; step++) {
        await publish();
        await take();
      }
      return { ms: performance.now() - from, taken };
    }
    case 'publish':
      for (let step = 0; step < order.steps; step++) await publish();
      return { published };
    case 'take':
      for (let step = 0; step < order.steps; step++) await take();
      return { taken };
    case 'report':
      return { published, taken, rss: process.memoryUsage.rss() };
  }
}

process.on('message', ({ id, order }: { id: number; order: Order }) => {
  obey(order).then(
    (answer) => process.send?.({ id, answer }),
    (error: unknown) =>
      process.send?.({ id, answer: { failure: error instanceof TrikdError ? error.message : String(error) } }),
  );
});
process.on('disconnect', () => process.exit(0));
