import { connect, createServer, type Socket } from 'node:net';

/** A relay before a service, in one process with the benchmark, which counts bytes and delays them. */
export interface DelayingRelay {
  /** host:port */
  readonly address: string;
  /** Bytes of the service to its clients so far. */
  sent(): number;
  close(): void;
}

/** @param delay milliseconds that each byte takes longer, each way */
export async function openDelayingRelay(target: string, delay: number): Promise<DelayingRelay> {
  const [host, port] = target.split(':');
  const sockets = new Set<Socket>();
  let sent = 0;
  const pipe = (from: Socket, to: Socket, count: (bytes: number) => void) => {
    sockets.add(from);
    from.on('data', (bytes: Buffer) => {
      count(bytes.length);
      if (delay > 0) setTimeout(() => to.write(bytes), delay);
      else to.write(bytes);
    });
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  };
  const server = createServer({ noDelay: true }, (client) => {
    const service = connect({ host: host!, port: Number(port), noDelay: true });
    pipe(client, service, () => undefined);
    pipe(service, client, (bytes) => {
      sent += bytes;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port was bound');
  return {
    address: `127.0.0.1:${bound.port}`,
    sent: () => sent,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
