import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The sources import each other by the names of what is compiled from them. */
const FROM_SOURCES = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({
    resolve(specifier, context, next) {
      const source = /^\\.\\.?\\/.*\\.js$/.test(specifier) && context.parentURL?.endsWith('.ts');
      return next(source ? specifier.replace(/\\.js$/, '.ts') : specifier, context);
    },
  });`)}`;

/**
 * Runs a script of this folder, from its source, in a process of its own.
 * @returns the lines of standard output; rejects when the process fails
 */
export async function linesOf(script: string, ...args: readonly string[]): Promise<string[]> {
  const options = ['--experimental-transform-types', '--no-warnings', '--import', FROM_SOURCES];
  const path = fileURLToPath(new URL(script, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [...options, path, ...args]);
  return stdout.trimEnd().split('\n');
}
