/** The libraries of the system that programs are linked to, and the Debian packages that they come from. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** A package of Debian or of a distribution made from it. */
export interface SystemPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** What dpkg knows of it; scanners of images read it in /var/lib/dpkg/status.d. */
  readonly status: string;
  /** Text of its licence. */
  readonly copyright: string;
}

/** A container runtime brings them from the machine, where they fit the kernel. */
const OF_THE_DRIVER = new Set(['libcuda.so.1']);

const run = (program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe', env: { ...process.env, ...env } });

/**
 * Paths of the libraries in the output of ldd, the dynamic linker included.
 * @throws Error when one is not there
 */
export function librariesIn(output: string): readonly string[] {
  const missing = [...output.matchAll(/^\s*(\S+) => not found/gm)].flatMap(([, name = '']) =>
    OF_THE_DRIVER.has(name) ? [] : [name],
  );
  if (missing.length > 0) throw new Error(`the dynamic linker does not find ${missing.join(', ')}`);
  return [...output.matchAll(/^\s*(?:\S+ => )?(\/\S+) \(0x/gm)].map(([, path = '']) => path);
}

/**
 * Libraries of all given programs and libraries, sorted, without those given.
 * @param folder where some of those given are looked for, besides the folders of the system
 */
export function systemLibraries(files: readonly string[], folder = ''): readonly string[] {
  const found = new Set(files.flatMap((file) => librariesIn(run('ldd', [file], { LD_LIBRARY_PATH: folder }))));
  const names = new Set(files.map((file) => file.slice(file.lastIndexOf('/') + 1)));
  return [...found].filter((path) => !names.has(path.slice(path.lastIndexOf('/') + 1))).sort();
}

/** The packages of files, sorted by name. @throws Error when dpkg knows no package of one */
export function systemPackages(files: readonly string[]): readonly SystemPackage[] {
  return [...new Set(files.map(packageOf))].sort().map((name) => {
    const status = run('dpkg-query', ['-s', name]);
    const field = (key: string) => new RegExp(`^${key}: (.*)$`, 'm').exec(status)?.[1] ?? '';
    const [version, architecture] = [field('Version'), field('Architecture')];
    return { name, version, architecture, status, copyright: readFileSync(`/usr/share/doc/${name}/copyright`, 'utf8') };
  });
}

/** Debian has merged /lib into /usr/lib, and some of its packages still use the shorter path. */
function packageOf(file: string): string {
  for (const path of [file, file.startsWith('/usr/') ? file.slice('/usr'.length) : `/usr${file}`]) {
    try {
      return run('dpkg-query', ['-S', path]).split(/[:,]/)[0]!;
    } catch {
      // Not its path.
    }
  }
  throw new Error(`dpkg knows no package of ${file}: build the image on Debian, Ubuntu, or with the Dockerfile`);
}

/** The name and the version of the distribution, as its own file has them. */
export function osRelease(): string {
  const path = '/etc/os-release';
  if (!existsSync(path)) throw new Error(`there is no ${path}`);
  return readFileSync(path, 'utf8');
}
