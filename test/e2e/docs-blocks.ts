import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePort } from '@trikd/testing/servers/child-server';

/** A block of commands in a document. */
export interface DocsBlock {
  /** Such as `docs/operations.md:9`. */
  readonly place: string;
  readonly text: string;
}

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Why a block is not executed, by a text that it contains. */
export const NOT_EXECUTED: Readonly<Record<string, string>> = {
  'make test ': 'it would execute itself, and `make run` of Fashion-MNIST takes minutes',
  'make observe ': 'it runs until Ctrl-C; a test of telemetry starts the same servers',
  'trikd serve ': 'it runs until Ctrl-C; a test of the command serves a run',
  'mc admin ': 'it needs a MinIO and its client; a test of the rights in a bucket starts both',
  '/data/pets': 'it needs a folder of pictures: tests of the command make one',
  'trikd data pull ': 'it fetches data from elsewhere: tests of the command and of its scripts do so from this machine',
  'trikd predict ': 'it needs pictures: a test of the command makes some',
  '-m venv ':
    'it installs TensorFlow, which is 600 MB: a test of TFLite runs where TENSORFLOW_PYTHON names a Python that has it',
  '--server orchestrator:': 'it needs an orchestrator of that name: a test of the command starts one',
  'kubectl ': 'it needs a cluster: the tests in test/cluster install the chart in one',
  'helm ': 'it needs a cluster',
  'bench/scale/main.ts': 'it measures for minutes, and wants a quiet machine',
  'grep -h verdict': 'a tiny run may end before its first verdict',
};

/** Part of {@link NOT_EXECUTED} that a block contains. */
export function reasonOf({ text }: DocsBlock): string | undefined {
  return Object.keys(NOT_EXECUTED).find((part) => text.includes(part));
}

/** Blocks of shell commands in the README, in reading order. */
export function readmeBlocks(): readonly DocsBlock[] {
  return blocksOf('README.md');
}

/** Blocks of shell commands in all other documents, in reading order. */
export function otherBlocks(): readonly DocsBlock[] {
  const documents = readdirSync(`${ROOT}docs`).filter((name) => name.endsWith('.md'));
  return ['CONTRIBUTING.md', ...documents.sort().map((name) => `docs/${name}`)].flatMap(blocksOf);
}

function blocksOf(document: string): readonly DocsBlock[] {
  const text = readFileSync(`${ROOT}${document}`, 'utf8');
  return [...text.matchAll(/^```(?:sh|bash|shell|console)\n([\s\S]*?)^```$/gm)].map((match) => ({
    place: `${document}:${text.slice(0, match.index).split('\n').length}`,
    text: match[1] ?? '',
  }));
}

/** What a shell did. */
export interface Executed {
  readonly status: number | null;
  /** Standard output and standard error, with the place of each block before its output. */
  readonly said: string;
}

/**
 * Executes blocks in one shell, as a reader pastes them, except those that have a reason not to. The shell stops at the first command
 * that fails, and waits for background jobs after each block.
 */
export async function execute(blocks: readonly DocsBlock[], cwd: string, env: NodeJS.ProcessEnv): Promise<Executed> {
  // The documents name a port that may not be free, and RUN stands for any run. Long runs leave a person time to type.
  const port = await freePort();
  const script = blocks
    .filter((block) => reasonOf(block) === undefined)
    .map(({ place, text }) => `echo '--- ${place}'\n${text}\nwait`)
    .join('\n')
    .replaceAll(/\bRUN\b/g, 'tiny')
    .replaceAll('epochs=200', 'epochs=100')
    .replaceAll('127.0.0.1:50050', `127.0.0.1:${port}`);
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script], { cwd, env });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => (said += part));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, said }));
  });
}
