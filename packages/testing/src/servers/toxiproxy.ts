import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './child-server.js';
import { goTool } from './go-tool.js';

/** What a toxic does to the bytes of all connections while it is there; attributes as toxiproxy names them. */
export interface Toxic {
  readonly type: 'reset_peer' | 'timeout' | 'limit_data' | 'latency' | 'bandwidth' | 'slicer';
  readonly attributes: Readonly<Record<string, number>>;
}

/** A service behind a toxiproxy. */
export interface Intercepted {
  /** Whom to dial instead of the service: host:port. */
  readonly address: string;
  /** Puts toxics into both directions for a while. */
  poison(toxics: readonly Toxic[], ms: number): Promise<void>;
  /** Closes its connections and refuses others for a while. */
  refuse(ms: number): Promise<void>;
}

export interface Toxiproxy {
  /** @param upstream host:port of the service */
  before(name: string, upstream: string): Promise<Intercepted>;
  stop(): Promise<void>;
}

/** Starts a toxiproxy. Resolves when it answers. */
export async function openToxiproxy(): Promise<Toxiproxy> {
  const port = await freePort();
  const child = spawn(goTool('toxiproxy'), ['-host', '127.0.0.1', '-port', `${port}`], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const ask = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`toxiproxy: ${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  await untilAnswered(() => ask('GET', '/proxies'));
  return {
    before: async (name, upstream) => {
      const made = await ask('POST', '/proxies', { name, listen: '127.0.0.1:0', upstream, enabled: true });
      const address = (made as { readonly listen: string }).listen;
      return {
        address,
        poison: async (toxics, ms) => {
          const names: string[] = [];
          for (const [index, toxic] of toxics.entries()) {
            for (const stream of ['upstream', 'downstream']) {
              await ask('POST', `/proxies/${name}/toxics`, { name: `${stream}-${index}`, stream, ...toxic });
              names.push(`${stream}-${index}`);
            }
          }
          await delay(ms);
          for (const each of names) await ask('DELETE', `/proxies/${name}/toxics/${each}`);
        },
        refuse: async (ms) => {
          await ask('POST', `/proxies/${name}`, { enabled: false });
          await delay(ms);
          await ask('POST', `/proxies/${name}`, { enabled: true });
        },
      };
    },
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function untilAnswered(ask: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await ask();
      return;
    } catch (error) {
      if (tries === 200) throw error;
      await delay(25);
    }
  }
}
