import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import { openClient } from '@trikd/transport/grpc/clients';
import { type Browser, chromium } from 'playwright-core';
import { runFolder } from '../../services/cli/src/run/run-folder.js';
import { startServices } from '../../services/cli/src/run/services.js';

/** The four services on a store of their own, as `trikd run` starts them, with nothing to do yet. */
export interface TestServices {
  /** Of the dashboard. */
  readonly url: string;
  readonly client: RunServiceClient;
  /** Gets a folder with the events of each run. */
  readonly events: string;
  readonly stop: () => Promise<void>;
}

export async function startTestServices(): Promise<TestServices> {
  const events = realpathSync(mkdtempSync(join(tmpdir(), 'trikd-browser-')));
  const killed = new AbortController();
  const services = await startServices(runFolder(events, 'services'), process.env, killed.signal);
  const client = openClient(RunServiceClient, services.address);
  if (services.dashboard === undefined) throw new Error('the orchestrator serves no dashboard');
  return {
    url: services.dashboard,
    client,
    events,
    stop: async () => {
      client.close();
      await services.stop();
      rmSync(events, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}

/** Starts `trikd dashboard` on a store; returns the URL of its page, and what ends it. */
export async function startViewer(store: string): Promise<{ readonly url: string; readonly stop: () => void }> {
  const viewer = spawn(process.execPath, ['services/cli/bin/trikd.cjs', 'dashboard', '--store', store]);
  let said = '';
  for await (const part of viewer.stdout) {
    said += String(part);
    const [, url] = /^dashboard +(\S+)$/m.exec(said) ?? [];
    if (url !== undefined) return { url, stop: () => viewer.kill('SIGINT') };
  }
  throw new Error(`trikd dashboard ended: ${said}`);
}

/** A Chromium without a window; the one that scripts/fetch-chromium.py finds or brings. */
export function launch(): Promise<Browser> {
  const executablePath = execFileSync('python3', ['scripts/fetch-chromium.py'], { encoding: 'utf8' }).trim();
  // In a container it is root, and has little shared memory.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] });
}
