/** Which npm packages the image has: what the services depend on, found in the lock file as Node.js finds it on disk. */
import { posix } from 'node:path';

/** An entry of npm's lock file, version 3, as far as it is read here. */
export interface LockedPackage {
  /** Of a workspace. */
  readonly name?: string;
  readonly version?: string;
  /** A workspace: `resolved` is its folder. */
  readonly link?: boolean;
  readonly resolved?: string;
  /** Only development needs it. */
  readonly dev?: boolean;
  /** Other platforms have it: it may be absent. */
  readonly optional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

export interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

/**
 * Dependencies that no service loads. TensorFlow.js has a command, downloads and models from URLs besides its kernels; without their
 * packages the image is smaller and has fewer reports of vulnerabilities.
 */
const NEVER_LOADED: Readonly<Record<string, readonly string[]>> = {
  '@tensorflow/tfjs': ['argparse', 'chalk', 'core-js', 'regenerator-runtime', 'yargs'],
  '@tensorflow/tfjs-core': ['node-fetch'],
  '@tensorflow/tfjs-data': ['node-fetch'],
  '@tensorflow/tfjs-node-gpu': ['@mapbox/node-pre-gyp', 'adm-zip', 'https-proxy-agent', 'progress', 'rimraf', 'tar'],
};

/** The name of the package at a path such as `node_modules/a/node_modules/@b/c`. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

/**
 * Paths of all packages that the given workspaces need, themselves included, sorted.
 * @param workspaces folders such as `services/cli`
 * @throws Error when the lock file lacks one
 */
export function neededPackages(lock: Lock, workspaces: readonly string[]): readonly string[] {
  const found = new Set<string>();
  const pending = [...workspaces];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    pending.push(...dependenciesOf(lock, path));
  }
  return [...found].sort();
}

function dependenciesOf(lock: Lock, path: string): readonly string[] {
  const entry = lock.packages[path];
  if (entry === undefined) throw new Error(`package-lock.json has no package ${path}`);
  const { dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = entry;
  const skipped = NEVER_LOADED[nameOf(path)] ?? [];
  const required = Object.keys(dependencies).filter((name) => !skipped.includes(name) && !name.startsWith('@types/'));
  const peers = Object.keys(peerDependencies).filter((name) => !name.startsWith('@types/'));
  return [...required, ...Object.keys(optionalDependencies), ...peers].flatMap((name) => {
    const target = resolved(lock, path, name);
    const mayLack = name in optionalDependencies || peerDependenciesMeta[name]?.optional === true;
    if (target === undefined && !mayLack) throw new Error(`package-lock.json has no ${name} for ${path}`);
    // A peer that only a tool of development brings is not there in production.
    const present = target !== undefined && !(mayLack && lock.packages[target]?.dev);
    return present ? [target] : [];
  });
}

/** Where Node.js finds a package from a folder: in the nearest `node_modules` above. A link counts as its workspace. */
function resolved(lock: Lock, from: string, name: string): string | undefined {
  for (let folder = from; ; folder = posix.dirname(folder)) {
    const top = folder === '.' || folder === '';
    const path = top ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    const entry = lock.packages[path];
    if (entry) return entry.link ? entry.resolved : path;
    if (top) return undefined;
  }
}
