/**
 * Assembles the file system of the image, one folder for each layer, so that a change of ours resends ours alone:
 * `base` (C library, Node.js), `tensorflow`, `packages` (of npm), `app` (ours), `home` (what the user may write).
 */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sbom } from '../sbom.ts';
import { type Layer, layerIn, settle } from './files.ts';
import { imageSbom } from './image-sbom.ts';
import { type Lock, nameOf, neededPackages } from './npm-packages.ts';
import { osRelease, type SystemPackage, systemLibraries, systemPackages } from './shared-libraries.ts';
import { isShipped } from './shipped-files.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Services of the image; the command `trikd` is one of them. */
const SERVICES = ['anchor-server', 'cli', 'orchestrator', 'student-trainer', 'teacher-trainer'];
export const LAYERS = ['base', 'tensorflow', 'packages', 'app', 'home'] as const;
/** What services may write below, besides /tmp. */
const HOME = '/var/lib/trikd';
const ENGINE = '/app/packages/engine/build';
const NOTICES = ['include/LICENSE', 'THIRD_PARTY_NOTICES.txt'];
const TENSORFLOW = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];

/** What was built or fetched before. */
export interface Parts {
  /** Folder of Node.js, with bin/node and LICENSE. */
  readonly node: string;
  /** Folder of TensorFlow's libraries, as scripts/fetch-tensorflow.py makes it. */
  readonly tensorflow: string;
  readonly flavour: 'cpu' | 'gpu';
  /** The engine's addon, linked to find TensorFlow in its own folder. */
  readonly addon: string;
  /** Folder of the CUDA libraries, for `gpu`, as scripts/fetch-cuda.py makes it. */
  readonly cuda?: string;
}

export function assembleLayers(folder: string, parts: Parts): void {
  const node = join(parts.node, 'bin/node');
  const tensorflow = TENSORFLOW.map((name) => join(parts.tensorflow, name));
  const cuda = cudaLibraries(parts);
  const libraries = systemLibraries([node, ...tensorflow, ...cuda], parts.cuda && join(parts.cuda, 'lib64'));
  const system = systemPackages(libraries);
  const layer = (name: (typeof LAYERS)[number]) => {
    rmSync(join(folder, name), { recursive: true, force: true });
    return layerIn(join(folder, name));
  };
  baseLayer(layer('base'), parts, libraries, system);
  tensorflowLayer(folder, parts);
  const lock: Lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  const paths = neededPackages(lock, [...SERVICES.map((name) => `services/${name}`)]);
  const installed = paths.filter((path) => path.startsWith('node_modules/') && isInstalled(lock, path));
  packagesLayer(layer('packages'), installed);
  const own = paths.filter((path) => !path.startsWith('node_modules/'));
  const npm = [...installed, ...own].map((path) => {
    const { name = nameOf(path), version } = lock.packages[path]!;
    return `${name}@${version}`;
  });
  const wheels = parts.flavour === 'gpu' ? ['tensorflow', ...cudaWheels()] : ['tensorflow-cpu'];
  const bom = imageSbom(sbom(), { npm, wheels, system, distribution: distributionIn(osRelease()) });
  appLayer(layer('app'), parts, own);
  layerIn(join(folder, 'app')).write('/usr/share/sbom/trikd.cdx.json', `${JSON.stringify(bom, undefined, 2)}\n`);
  homeLayer(layer('home'));
  for (const name of LAYERS) settle(join(folder, name), name === 'home' ? 0o700 : undefined);
}

function baseLayer(layer: Layer, { node }: Parts, libraries: readonly string[], system: readonly SystemPackage[]) {
  strip(join(node, 'bin/node'), layer.place('/usr/local/bin/node'), 0o755);
  layer.copy(join(node, 'LICENSE'), '/usr/share/licenses/node/LICENSE');
  for (const path of libraries) layer.copy(path, path, 0o755);
  for (const { name, status, copyright } of system) {
    layer.write(`/usr/share/doc/${name}/copyright`, copyright);
    layer.write(`/var/lib/dpkg/status.d/${name}`, status);
  }
  layer.write('/etc/os-release', osRelease());
  layer.write('/etc/passwd', `root:x:0:0:root:/:/nonexistent\ntrikd:x:65532:65532:trikd:${HOME}:/nonexistent\n`);
  layer.write('/etc/group', 'root:x:0:\ntrikd:x:65532:\n');
  // Without it glibc asks the name servers first, and looks into /etc/hosts only when they are away.
  layer.write('/etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n');
  layer.write('/etc/ssl/certs/ca-certificates.crt', authoritiesOf(join(node, 'bin/node')));
  layer.folder('/tmp', 0o1777);
  // Where a container runtime mounts, also when the root is read-only.
  for (const path of ['/dev', '/proc', '/sys', '/data', '/etc/trikd']) layer.folder(path);
}

/** The authorities that Node.js trusts, for what else reads a bundle of them. */
function authoritiesOf(node: string): string {
  const program = 'process.stdout.write(require("node:tls").rootCertificates.join("\\n") + "\\n")';
  return execFileSync(node, ['--eval', program], { encoding: 'utf8', maxBuffer: 2 ** 24 });
}

/** Stripping its 850 MB takes seconds, so it is done once for each version. */
function tensorflowLayer(folder: string, { tensorflow, cuda }: Parts): void {
  const root = join(folder, 'tensorflow');
  const sources = TENSORFLOW.map((name) => join(tensorflow, name));
  const line = [...sources, ...NOTICES.map((notice) => join(tensorflow, notice)), ...(cuda ? [cuda] : [])]
    .map((path) => `${path} ${statSync(path).mtimeMs}`)
    .join('\n');
  const stamp = join(folder, 'tensorflow.stamp');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === line) return;
  rmSync(root, { recursive: true, force: true });
  rmSync(stamp, { force: true });
  const layer = layerIn(root);
  for (const source of sources) strip(source, layer.place(join(ENGINE, basename(source))), 0o755);
  for (const notice of NOTICES)
    layer.copy(join(tensorflow, notice), `/usr/share/licenses/tensorflow/${basename(notice)}`);
  if (cuda !== undefined) {
    for (const name of globSync('{lib64,bin,nvvm}/**/*.*', { cwd: cuda }))
      layer.copy(join(cuda, name), `/usr/local/cuda/${name}`);
    layer.copy(join(cuda, 'bin/ptxas'), '/usr/local/cuda/bin/ptxas', 0o755);
    for (const name of readdirSync(join(cuda, 'licenses'))) {
      layer.copy(join(cuda, 'licenses', name), `/usr/share/licenses/cuda/${name}`);
    }
  }
  writeFileSync(stamp, line);
}

function cudaWheels(): readonly string[] {
  const pins = readFileSync(join(ROOT, 'scripts/pins/cuda.txt'), 'utf8');
  return [...pins.matchAll(/^([\w-]+)==/gm)].map(([, name = '']) => name);
}

function cudaLibraries({ cuda }: Parts): readonly string[] {
  return cuda === undefined ? [] : globSync('lib64/*', { cwd: cuda }).map((name) => join(cuda, name));
}

/** Removes symbols that only debuggers and linkers read: a third of TensorFlow. */
function strip(source: string, target: string, mode: number): void {
  execFileSync('strip', ['--strip-all', '-o', target, source]);
  execFileSync('chmod', [mode.toString(8), target]);
}

/** A package of another platform is in the lock file and not on disk. @throws Error when a package is missing or is another version */
function isInstalled(lock: Lock, path: string): boolean {
  const { version, optional } = lock.packages[path]!;
  const file = join(ROOT, path, 'package.json');
  if (!existsSync(file)) {
    if (optional) return false;
    throw new Error(`${path} is not installed: run \`make build\``);
  }
  const found = JSON.parse(readFileSync(file, 'utf8')).version;
  if (found !== version) throw new Error(`${path} is ${found}, package-lock.json has ${version}: run \`make build\``);
  return true;
}

function packagesLayer(layer: Layer, paths: readonly string[]): void {
  for (const path of paths) {
    for (const file of filesIn(join(ROOT, path))) {
      if (isShipped(nameOf(path), file)) layer.copy(join(ROOT, path, file), `/app/${path}/${file}`);
    }
  }
  // The same code again, in few files.
  for (const file of globSync('build/packages/*', { cwd: ROOT })) layer.copy(join(ROOT, file), `/app/${file}`);
}

/** Paths of the files of a package, without the packages that lie in it. */
function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory() && entry.name !== 'node_modules') {
      return filesIn(join(folder, entry.name)).map((file) => `${entry.name}/${file}`);
    }
    return entry.isFile() ? [entry.name] : [];
  });
}

function appLayer(layer: Layer, { addon }: Parts, workspaces: readonly string[]): void {
  for (const path of workspaces) {
    const name: string = JSON.parse(readFileSync(join(ROOT, path, 'package.json'), 'utf8')).name;
    layer.copy(join(ROOT, path, 'package.json'), `/app/${path}/package.json`);
    for (const file of globSync('dist/**/*.{js,json}', { cwd: join(ROOT, path) })) {
      if (isShipped(name, file) && hasSource(path, file)) layer.copy(join(ROOT, path, file), `/app/${path}/${file}`);
    }
    layer.link(`/app/node_modules/${name}`, `../../${path}`);
  }
  layer.copy(addon, `${ENGINE}/trikd_engine.node`, 0o755);
  for (const file of globSync('services/dashboard/dist/**/*.*', { cwd: ROOT }))
    layer.copy(join(ROOT, file), `/app/${file}`);
  for (const file of globSync('examples/*.yaml', { cwd: ROOT })) layer.copy(join(ROOT, file), `/app/${file}`);
  for (const file of ['LICENSE', 'NOTICE']) layer.copy(join(ROOT, file), `/app/${file}`);
  // `trikd run` without --store writes to the folder `runs` of its working folder.
  layer.link('/app/runs', HOME);
}

/** The compiler leaves files in `dist` whose source is gone. */
function hasSource(path: string, file: string): boolean {
  return existsSync(join(ROOT, path, file.replace(/^dist\//, 'src/').replace(/\.js$/, '.ts')));
}

/**
 * Copied to HOME, with the user of the image as its owner. Docker gives a new volume the owner of the folder that it is mounted on, so
 * `trikd certs` can write the certificates of each service into a volume of its own.
 */
function homeLayer(layer: Layer): void {
  for (const name of [...SERVICES, 'servers', 'users']) if (name !== 'cli') layer.folder(`/certs/${name}`);
}

/** Such as debian-12. */
function distributionIn(release: string): string {
  const value = (name: string) => new RegExp(`^${name}="?([^"\n]+)"?$`, 'm').exec(release)?.[1] ?? '';
  return `${value('ID')}-${value('VERSION_ID')}`;
}
