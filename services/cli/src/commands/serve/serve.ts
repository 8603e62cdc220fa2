import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@trikd/core/async/clock';
import { aborted, within } from '@trikd/core/async/within';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ServiceProcess } from '@trikd/process/service-process';
import { systemClock } from '@trikd/process/system-clock';
import { chosenRunFolder } from '../../run/run-folder.js';
import { configuredStore } from '../../run/run-store.js';
import { assertFree, startsWith } from '../../run/services.js';
import { print, type Shell, say, withProgress } from '../../terminal/shell.js';
import { tlsSettingsIn } from '../certs/tls-settings.js';
import { openRun } from '../checkpoint/open-run.js';
import type { ServeOptions } from './command.js';

/** Seconds in which requests that wait are answered after Ctrl-C. */
const DRAIN_SECONDS = 10;

/** `trikd serve`: ends after Ctrl-C. @throws TrikdError for everything that a user can correct */
export async function serve(options: ServeOptions, shell: Shell): Promise<void> {
  const { runId, from, listen, http, tls } = options;
  const { rest, env } = shell;
  // The run may have another store than the environment says, and it must exist.
  await openRun(runId, from, env);
  for (const address of [listen, http]) await assertFree(address);
  const folder = chosenRunFolder(from.store, runId, env);
  const store = from.config === undefined ? folder.store : configuredStore(from.config, env);
  const logs = from.config === undefined ? folder.logs : mkdtempSync(join(tmpdir(), `trikd-serve-${runId}-`));
  const service = startsWith(store, env)('anchor-server', {
    logs,
    settings: {
      ...tlsSettingsIn(tls, 'anchor-server'),
      'serving.runs': [runId],
      'serving.alone': true,
      'serving.listen': listen,
      'serving.http': http,
      dataPaths: 'allowed',
    },
  });
  rest.addEventListener('abort', () => service.child.kill('SIGTERM'), { once: true });
  shell.end.addEventListener('abort', service.kill, { once: true });
  const process = await service.ready;
  const ended = process.ended.then((how) => {
    if (!rest.aborted) throw new TrikdError('unavailable', how);
  });
  ended.catch(() => undefined);
  const model = await withProgress(shell, (report) =>
    Promise.race([whenServed(process.url!, runId, { clock: systemClock, signal: rest, report }), ended]),
  );
  if (model) print(shell, servedText(announced(process, model, logs)));
  await Promise.race([aborted(rest), ended]);
  say(shell, 'answering the requests that wait; Ctrl-C again stops at once');
  await within(process.ended, DRAIN_SECONDS, systemClock);
  process.kill();
}

const announced = ({ address, url }: ServiceProcess, model: ServedModel, logs: string) => ({
  ...{ address, url: url!, model, logs },
});

/** What people need to know of a served model. */
export interface ServedFacts {
  /** host:port of the gRPC server. */
  readonly address: string;
  /** Of the HTTP server. */
  readonly url: string;
  readonly model: ServedModel;
  readonly logs: string;
}

/** A served model, for people: its addresses, and a line to try. */
function servedText({ address, url, model, logs }: ServedFacts): string {
  const { name, versions, properties } = model;
  const [, ...shape] = model.inputs[0]!.shape;
  const output = model.outputs[0]!;
  const pixels = shape.reduce((product, size) => product * size, 1);
  const facts: readonly (readonly [string, string])[] = [
    ['model', `${name}, version ${properties['version']} of ${versions.join(', ')}`],
    ['images', `UINT8 or FP32 [rows, ${shape.join(', ')}], values 0 to 255`],
    ['outputs', `${output.name}, FP32 [rows, ${output.shape[1]}]`],
    ['gRPC', address],
    ['HTTP', `${url}, with a page to try the models`],
    ['logs', logs],
    ['try', tryLine(url, name, [1, ...shape], pixels)],
  ];
  return facts.map(([title, text]) => `${title.padEnd(9)} ${text}`).join('\n');
}

/** Asks for the outputs of a grey image. */
function tryLine(url: string, name: string, shape: readonly number[], pixels: number): string {
  const body = `{"inputs":[{"name":"images","datatype":"UINT8","shape":[${shape.join(',')}],"data":['"$(yes 128 | head -n ${pixels} | paste -sd , -)"']}]}`;
  return `echo '${body}' | curl -s ${url}/v2/models/${name}/infer -d @-`;
}

/** A model that is served, as the Open Inference Protocol describes it. */
interface ServedModel {
  readonly name: string;
  readonly versions: readonly string[];
  readonly inputs: readonly { readonly shape: readonly number[] }[];
  readonly outputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly properties: Readonly<Record<string, string>>;
}

interface Waiting {
  readonly clock: Clock;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  readonly report: (text: string) => void;
}

/** Milliseconds between two looks. */
const LOOK_MS = 200;

/** Waits until a model is served; undefined when the wait was ended. */
async function whenServed(
  url: string,
  model: string,
  { clock, signal, report }: Waiting,
): Promise<ServedModel | undefined> {
  while (!signal.aborted) {
    try {
      const ready = await fetch(`${url}/v2/models/${model}/ready`, { signal });
      if (ready.ok) {
        const found = await fetch(`${url}/v2/models/${model}`, { signal });
        if (found.ok) return (await found.json()) as ServedModel;
      }
      report(await reasonAt(url, signal));
      await clock.sleep(LOOK_MS, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
  return undefined;
}

async function reasonAt(url: string, signal: AbortSignal): Promise<string> {
  const index = await fetch(`${url}/v2/repository/index`, { method: 'POST', body: '{}', signal });
  const [first] = (await index.json()) as readonly { readonly reason?: string }[];
  return `waiting for the model: ${first?.reason ?? ''}`;
}
