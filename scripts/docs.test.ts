import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { z } from 'zod';
import { StudySpec } from '../services/cli/src/commands/study/study-spec.js';
import { TuneSpec } from '../services/cli/src/commands/tune/trials.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

const DOCUMENTS = globSync(['*.md', '{docs,deploy}/**/*.md', 'packages/*/src/**/*.md'], { cwd: ROOT }).sort();
const FOLDERS = ['bench', 'deploy', 'docs', 'examples', 'packages', 'proto', 'scripts', 'services', 'test'];
const FILES = [...DOCUMENTS, ...globSync(['deploy/**/*.{yaml,json}', 'examples/**/*.yaml'], { cwd: ROOT }).sort()];

/** Words of a dialect: each has a word of the field or a named subject in its place. */
const BANNED = /\b(somebody|whoever|told by|in hand)\b/gi;

/** Code spans and code blocks of a document. */
function codeOf(text: string): readonly string[] {
  const blocks = [...text.matchAll(/^```[a-z]*\n([\s\S]*?)^```$/gm)].map(([, block]) => block!);
  const spans = [...text.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/`([^`]+)`/g)].map(([, span]) => span!);
  return [...blocks, ...spans];
}

/** Paths into this repository, `*` standing for any name. What a build makes and what has a placeholder is not one. */
function pathsOf(text: string): readonly string[] {
  const path = new RegExp(`(?<![\\w./-])(?:${FOLDERS.join('|')})/[\\w./*{},-]*`, 'g');
  return codeOf(text)
    .flatMap((code) => [...code.matchAll(path)].map(([found]) => found.replace(/[.,]+$/, '')))
    .filter((found) => !/\/(dist|build)\/|[A-Z]{3,}\//.test(found));
}

/** Relative links, such as `docs/cli.md#trikd-run`. */
function linksOf(text: string): readonly string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!).filter((target) => !/^\w+:/.test(target));
}

/** Anchors of the headings of a document, as GitHub names them. */
function anchorsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Links of a document that lead nowhere. */
function brokenLinks(document: string, text: string): readonly string[] {
  return linksOf(text).filter((link) => {
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? document : normalize(join(dirname(document), file));
    if (!existsSync(join(ROOT, target))) return true;
    return anchor !== undefined && !anchorsOf(read(target)).includes(anchor);
  });
}

function missingPaths(text: string): readonly string[] {
  return pathsOf(text).filter((path) => globSync(path, { cwd: ROOT }).length === 0);
}

/** Commands `vitest run FILES -t WORDS` whose words are in none of the files. */
function missingTitles(text: string): readonly string[] {
  return [...text.matchAll(/vitest run [^`\n]*?-t ("[^"]+"|\S+)/g)]
    .filter(([command, words]) => {
      const files = pathsOf(`\`${command}\``).map(read);
      return !files.some((file) => file.includes(words!.replaceAll('"', '').replace(/`$/, '')));
    })
    .map(([command]) => command);
}

/** Targets of `make` that the Makefile does not have. */
function missingTargets(text: string): readonly string[] {
  const targets = new Set([...read('Makefile').matchAll(/^([a-z0-9]+):/gm)].map(([, target]) => target));
  return codeOf(text)
    .flatMap((code) => [...code.matchAll(/^make ([a-z][a-z0-9]*)/gm)].map(([, target]) => target!))
    .filter((target) => !targets.has(target));
}

/** Specs of whole runs: blocks of YAML that begin with a name. */
function specsIn(text: string): readonly string[] {
  return [...text.matchAll(/^```yaml\n(name:[\s\S]*?)^```$/gm)].map(([, block]) => block!);
}

/** Methods of docs/extending.md, which the reader adds. */
const ADDED = /warm-dml|kind: js/;

/** The schema that reads a file. */
function schemaOf(spec: string): z.ZodType {
  if (/^arms:/m.test(spec)) return StudySpec;
  return /^space:/m.test(spec) ? TuneSpec : RunSpec;
}

test.each(DOCUMENTS.flatMap((document) => specsIn(read(document)).map((spec) => [document, spec] as const)))(
  '%s has a spec that is accepted: %.20s',
  (_document, spec) => {
    if (!ADDED.test(spec)) expect(schemaOf(spec).safeParse(parse(spec)).error).toBeUndefined();
  },
);

test('a mistake in a document is found', () => {
  expect(brokenLinks('docs/cli.md', '[a](gone.md) [b](cli.md#gone) [c](#trikd-run)')).toEqual([
    'gone.md',
    'cli.md#gone',
  ]);
  expect(missingPaths('`packages/gone/src` `packages/*/src` packages/gone')).toEqual(['packages/gone/src']);
  expect(missingTitles('`npx vitest run scripts/docs.test.ts -t unheard-`')).toEqual([]);
  expect(missingTitles(`\`npx vitest run scripts/tally.test.ts -t unheard-\``)).toHaveLength(1);
  expect(missingTargets('`make gone` and `make test`')).toEqual(['gone']);
});

describe.each(DOCUMENTS)('%s', (document) => {
  const text = read(document);

  test('links to what there is', () => {
    expect(brokenLinks(document, text)).toEqual([]);
  });

  test('names files, tests and targets that there are', () => {
    expect([...missingPaths(text), ...missingTitles(text), ...missingTargets(text)]).toEqual([]);
  });
});

test.each(FILES)('%s has no word of a dialect', (file) => {
  const lines = read(file).split('\n');
  expect(lines.flatMap((line, index) => (line.match(BANNED) ?? []).map((word) => `${index + 1}: ${word}`))).toEqual([]);
});
