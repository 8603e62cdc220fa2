// One end of an exchange, driven line by line: `listen grpc|tcp rows cols` -> address, `connect address`, `step N` -> {"ms": [...]}.
// Both kinds do the same work a step: make bytes of float32 logits, send them, read the other's, make a Float32Array of them.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import { createFrameWindow } from '@trikd/core/exchange/frame-window';
import { subscribe } from '@trikd/core/exchange/subscribe';
import { createLogger } from '@trikd/process/logging';
import { systemClock } from '@trikd/process/system-clock';
import { EXCHANGE_SERVICES, exchangeModule } from '@trikd/testing/servers/exchange.module';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import { dialProducer } from '@trikd/transport/grpc/exchange-client';
import { createService } from '@trikd/transport/nest/create-service';
import { answerLines } from './line-process.ts';

interface End {
  readonly address: string;
  connect(address: string): Promise<void>;
  exchange(step: number): Promise<Float32Array>;
}

const attempt = { runId: 'bench', generation: 0, attempt: 1 };
const never = new AbortController().signal;

async function grpcEnd(rows: number, cols: number): Promise<End> {
  const window = createFrameWindow({ attempt, firstStep: 0, size: 4, consumers: ['student'] });
  const source = {
    frames: (asked: { from: { step: number } }, signal: AbortSignal) =>
      window.frames('student', asked.from.step, signal),
  };
  const service = await createService({
    module: exchangeModule(source, never),
    services: EXCHANGE_SERVICES,
    listen: '127.0.0.1:0',
    log: createLogger({ level: 'error' }, 'bench'),
  });
  const logits = { rows, cols, data: new Float32Array(rows * cols).fill(1) };
  let frames: AsyncIterator<LogitsFrame>;
  return {
    address: service.address,
    async connect(address) {
      const agreement = { specDigest: '', datasetDigest: '', classes: cols, batchSize: rows, seed: 0 };
      const from = { ...attempt, step: 0 };
      frames = subscribe({
        producer: 'teacher',
        server: 'teacher',
        address,
        consumer: 'student',
        from,
        agreement,
        secret: SECRET,
        stepTimeoutSeconds: 60,
        signal: never,
        dial: dialProducer,
        clock: systemClock,
        random: Math.random,
      });
    },
    async exchange(step) {
      await window.publish({ position: { ...attempt, step }, batchDigest: '00'.repeat(16), logits });
      const next = await frames.next();
      if (next.done) throw new Error('the other end stopped');
      return next.value.logits.data;
    },
  };
}

/** The least that any transport in Node.js must do: one connection, a length before the bytes, both ends write at once. */
async function tcpEnd(rows: number, cols: number): Promise<End> {
  const size = 4 * rows * cols;
  const own = new Float32Array(rows * cols).fill(1);
  const server = createServer({ noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was bound');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  let socket: Socket;
  let read: () => Promise<Float32Array>;
  return {
    address: `127.0.0.1:${address.port}`,
    async connect(other) {
      const [host, port] = other.split(':');
      // Of the two ends the one with the smaller port accepts.
      const dials = address.port > Number(port);
      socket = dials ? connect({ host: host!, port: Number(port), noDelay: true }) : (await accepted)[0];
      read = frameReader(socket, size);
    },
    exchange(_step) {
      const header = Buffer.alloc(4);
      header.writeUInt32LE(size);
      socket.cork();
      socket.write(header);
      socket.write(new Uint8Array(own.buffer.slice(0)));
      socket.uncork();
      return read();
    },
  };
}

function frameReader(socket: Socket, size: number): () => Promise<Float32Array> {
  let chunks: Buffer[] = [];
  let bytes = 0;
  let waiting: ((data: Float32Array) => void) | undefined;
  const deliver = () => {
    if (!waiting || bytes < size + 4) return;
    const all = Buffer.concat(chunks);
    const resolve = waiting;
    waiting = undefined;
    chunks = [all.subarray(size + 4)];
    bytes -= size + 4;
    resolve(new Float32Array(new Uint8Array(all.subarray(4, size + 4)).buffer));
  };
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    deliver();
  });
  return () =>
    new Promise((resolve) => {
      waiting = resolve;
      deliver();
    });
}

let end: End;
let next = 0;
await answerLines(async ([command, ...words]) => {
  if (command === 'listen') {
    const [kind, rows, cols] = words;
    end = await (kind === 'grpc' ? grpcEnd : tcpEnd)(Number(rows), Number(cols));
    return { address: end.address };
  }
  if (command === 'connect') {
    await end.connect(words[0]!);
    return {};
  }
  const ms: number[] = [];
  for (const last = next + Number(words[0]); next < last; next++) {
    const from = performance.now();
    await end.exchange(next);
    ms.push(performance.now() - from);
  }
  return { ms };
});
process.exit(0);
