// One end of an exchange, driven line by line: `listen {"kind": "grpc"|"tcp", ...}` -> address, `connect address`, `step N` -> {"ms": [...]}.
// Both kinds do the same work a step: make bytes of float32 logits, send them, read the other's, make a Float32Array of them.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { peerOf } from '@trikd/core/domain/position';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import { ALL_LOGITS, type FrameFormat } from '@trikd/core/exchange/frame';
import { createFrameWindow } from '@trikd/core/exchange/frame-window';
import { fromSent, toSent } from '@trikd/core/exchange/sent-logits';
import { subscribe } from '@trikd/core/exchange/subscribe';
import { createLogger } from '@trikd/process/logging';
import { systemClock } from '@trikd/process/system-clock';
import { EXCHANGE_SERVICES, exchangeModule } from '@trikd/testing/servers/exchange.module';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import { serviceOf } from '@trikd/transport/access/caller';
import { openSecurity } from '@trikd/transport/access/security';
import type { TlsConfig } from '@trikd/transport/access/tls-config';
import { dialWith } from '@trikd/transport/grpc/exchange-client';
import { createService } from '@trikd/transport/nest/create-service';
import { answerLines } from './line-process.ts';

/** What an end exchanges, and how. */
export interface EndOptions {
  readonly kind: 'grpc' | 'tcp';
  readonly role: 'teacher' | 'student';
  readonly rows: number;
  readonly cols: number;
  /** Default: all logits in float32. */
  readonly format?: FrameFormat;
  /** Section `tls` of a service's configuration. Default: plain text. */
  readonly tls?: TlsConfig;
}

interface End {
  readonly address: string;
  connect(address: string): Promise<void>;
  exchange(step: number): Promise<Float32Array>;
}

const attempt = { runId: 'bench', stage: 0, attempt: 1 };
const never = new AbortController().signal;
const batchDigest = '00'.repeat(16);

async function grpcEnd({ role, rows, cols, format = ALL_LOGITS, tls }: EndOptions): Promise<End> {
  const peer = peerOf(role);
  const log = createLogger({ level: 'error' }, 'bench');
  const window = createFrameWindow({ attempt, firstStep: 0, size: 4, consumers: [peer] });
  const source = {
    frames: (asked: { from: { step: number } }, signal: AbortSignal) => window.frames(peer, asked.from.step, signal),
  };
  const security = openSecurity({ tls, plaintext: 'loopback' }, serviceOf(role), log);
  const service = await createService({
    module: exchangeModule(source, never),
    services: EXCHANGE_SERVICES,
    listen: '127.0.0.1:0',
    log,
    security,
  });
  const logits = { rows, cols, data: Float32Array.from({ length: rows * cols }, (_, i) => Math.sin(i) * 8) };
  let frames: AsyncIterator<LogitsFrame>;
  return {
    address: service.address,
    async connect(address) {
      const agreement = { specDigest: '', datasetDigest: '', classes: cols, batchSize: rows, seed: 0 };
      const from = { ...attempt, step: 0 };
      frames = subscribe({
        producer: peer,
        server: peer,
        address,
        consumer: role,
        from,
        agreement,
        format,
        secret: SECRET,
        stepTimeoutSeconds: 60,
        signal: never,
        dial: dialWith(security),
        clock: systemClock,
        random: Math.random,
      });
    },
    async exchange(step) {
      const position = { ...attempt, step };
      const sent = toSent(logits, format, role);
      await window.publish({ position, batchDigest, logits: sent });
      const next = await frames.next();
      if (next.done) throw new Error('the other end stopped');
      return fromSent(next.value.logits);
    },
  };
}

/** The least that any transport in Node.js must do: one connection, a length before the bytes, both ends write at once. */
async function tcpEnd({ rows, cols }: EndOptions): Promise<End> {
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
    const options: EndOptions = JSON.parse(words.join(' '));
    end = await (options.kind === 'grpc' ? grpcEnd : tcpEnd)(options);
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
