import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A block of commands in a document. */
export interface DocsBlock {
  /** Such as `docs/operations.md:9`. */
  readonly place: string;
  readonly text: string;
}

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** By what a block contains: why it is not executed here. */
export const NOT_EXECUTED: Readonly<Record<string, string>> = {
  'make test ': 'it would execute itself, and the whole example takes minutes',
  'make observe ': 'it runs until Ctrl-C; a test of telemetry starts the same servers',
  'grep -h verdict': 'a tiny run may end before the first verdict is told',
};

/** All blocks of shell commands, in the order in which a reader meets them. */
export function docsBlocks(): readonly DocsBlock[] {
  const documents = readdirSync(`${ROOT}docs`).filter((name) => name.endsWith('.md'));
  return ['README.md', 'CONTRIBUTING.md', ...documents.sort().map((name) => `docs/${name}`)].flatMap(blocksOf);
}

function blocksOf(document: string): readonly DocsBlock[] {
  const text = readFileSync(`${ROOT}${document}`, 'utf8');
  return [...text.matchAll(/^```(?:sh|bash|shell|console)\n([\s\S]*?)^```$/gm)].map((match) => ({
    place: `${document}:${text.slice(0, match.index).split('\n').length}`,
    text: match[1] ?? '',
  }));
}
