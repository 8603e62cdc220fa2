import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type ChildServer, controlOf } from '../servers/child-server.js';
import type { Namespaces } from './namespaces.js';

/** A port on the loopback interface of the machine that leads into the cluster. */
export interface Relay extends ChildServer {
  readonly port: number;
}

/** Opens one, as a process: it goes on while this one waits for others. @param target HOST:PORT in the network of the cluster */
export async function openRelay(namespaces: Namespaces, folder: string, target: string): Promise<Relay> {
  const socket = join(folder, `${target.replace(':', '-')}.sock`);
  const script = fileURLToPath(new URL('../../../../scripts/relay.ts', import.meta.url));
  const inner = namespaces.start('relay', [process.execPath, '--no-warnings', script, socket, target]);
  while (!existsSync(socket)) {
    if (inner.gone()) throw new Error(`the relay ended: ${inner.words()}`);
    await delay(20);
  }
  const outer = spawn(process.execPath, ['--no-warnings', script, '127.0.0.1:0', socket], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const control = controlOf(outer);
  for await (const line of createInterface({ input: outer.stdout })) {
    const { port }: { readonly port: number } = JSON.parse(line);
    return { port, ...control };
  }
  throw new Error('the relay ended');
}
