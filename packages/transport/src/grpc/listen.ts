import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server as Listener, type ListenOptions, type Socket } from 'node:net';
import { listenError } from '@trikd/process/address';

/** Ports that are bound. */
export interface Listening {
  /** host:port with the bound port, or unix:path. */
  readonly address: string;
  /** Accepts no further connection. Resolves when those that are open have ended by themselves. */
  close(): Promise<void>;
}

/**
 * Accepts connections. grpc-js's own listener cannot be asked to refuse any.
 * @param listen host:port, port 0 for any free port, or unix:path
 * @throws TrikdError 'unavailable' if it cannot listen
 */
export async function listenOn(listen: string, accept: (socket: Socket) => void): Promise<Listening> {
  const listeners: Listener[] = [];
  const bind = async (options: ListenOptions) => {
    const listener = createServer({ noDelay: true }, accept).listen(options);
    await once(listener, 'listening');
    listeners.push(listener);
    return listener;
  };
  const close = async () => {
    await Promise.all(listeners.map((listener) => new Promise((resolve) => listener.close(resolve))));
  };
  try {
    const path = /^unix(-abstract)?:(?:\/\/)?(.+)$/.exec(listen);
    if (path) {
      await bind({ path: `${path[1] ? '\0' : ''}${path[2]}` });
      return { address: listen, close };
    }
    const [, host = '', port] = /^(?:(?:dns|ipv4|ipv6):\/*)?(.+):(\d+)$/.exec(listen) ?? [];
    const hosts = await lookup(host.replace(/^\[|\]$/g, ''), { all: true });
    const bound = await bindAll(
      hosts.map(({ address }) => address),
      Number(port),
      bind,
    );
    return { address: `${host}:${bound}`, close };
  } catch (error) {
    await close();
    throw listenError(listen, error);
  }
}

/** A name such as localhost can have several addresses. All get the same port; it is enough that one can be bound. */
async function bindAll(
  hosts: readonly string[],
  wanted: number,
  bind: (options: ListenOptions) => Promise<Listener>,
): Promise<number> {
  let port = wanted;
  let failure: unknown;
  let bound = 0;
  for (const host of hosts) {
    try {
      const listener = await bind({ host, port });
      ({ port } = listener.address() as AddressInfo);
      bound += 1;
    } catch (error) {
      failure ??= error;
    }
  }
  if (bound === 0) throw failure;
  return port;
}
