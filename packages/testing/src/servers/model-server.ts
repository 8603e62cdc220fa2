import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type ChildServer, controlOf, wordsOf } from './child-server.js';

/** How the model behaves from now on; what is left out is as usual. See test/integration/inference_server.py. */
export interface Behaviour {
  /** Added to the logits of the next answer, and as much more with each further one: no answer can be had again. */
  readonly shift?: number;
  /** Before each answer. */
  readonly seconds?: number;
  /** A status of gRPC, and how many calls end with it. */
  readonly fail?: readonly [status: string, times: number];
  readonly answer?: 'nan' | 'probabilities' | 'rows' | 'silence';
  /** How many answers are as usual before `answer`. */
  readonly after?: number;
  readonly classes?: number;
  readonly datatype?: 'UINT8' | 'FP32';
}

/** An answer that the server gave. */
export interface GivenAnswer {
  /** SHA-256 of the images that it was asked about, hex. */
  readonly images: string;
  /** float32, little-endian, in base64. */
  readonly logits: string;
}

/** A server of the Open Inference Protocol with the model `linear`, written in Python with the stubs of tritonclient. */
export interface ModelServer extends ChildServer {
  readonly address: string;
  readonly port: number;
  /** In the order in which they were given. */
  readonly answers: readonly GivenAnswer[];
  behave(behaviour: Behaviour): Promise<void>;
}

const path = (relative: string) => fileURLToPath(new URL(`../../../../${relative}`, import.meta.url));

/** @param port 0: a free one. @throws when it does not start, with its last words */
export async function startModelServer(channels: number, classes: number, port = 0): Promise<ModelServer> {
  const fetched = execFileSync('python3', [path('scripts/fetch-python-packages.py'), 'tritonclient'], {
    encoding: 'utf8',
  });
  const child = spawn(
    'python3',
    [path('test/integration/inference_server.py'), ...[channels, classes, port].map(String)],
    {
      env: { ...process.env, PYTHONPATH: fetched.trim() },
      stdio: 'pipe',
    },
  );
  const words = wordsOf(child);
  const control = controlOf(child);
  const answers: GivenAnswer[] = [];
  const started = Promise.withResolvers<number>();
  let behaving = Promise.withResolvers<void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line);
    if ('port' in said) started.resolve(said.port);
    else if ('behaves' in said) behaving.resolve();
    else answers.push(said);
  });
  const gone = control.ended.then(() => {
    throw new Error(`the model server has ended: ${words()}`);
  });
  gone.catch(() => undefined);
  const bound = await Promise.race([started.promise, gone]);
  return {
    ...control,
    address: `127.0.0.1:${bound}`,
    port: bound,
    answers,
    async behave(behaviour) {
      behaving = Promise.withResolvers();
      child.stdin.write(`${JSON.stringify(behaviour)}\n`);
      await Promise.race([behaving.promise, gone]);
    },
  };
}
