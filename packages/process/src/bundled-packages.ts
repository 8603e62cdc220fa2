import { readFileSync } from 'node:fs';
import { enableCompileCache, registerHooks } from 'node:module';
import { compiledCodeFolder } from './environment.js';
import { errorCode } from './error-code.js';

// The first import of a program, which then imports its other modules dynamically. `scripts/bundle-packages.ts` has put the packages of npm
// that most processes load into few files; without these files, each package is loaded from node_modules. Node.js keeps compiled code
// for the next process, where it may write.
enableCompileCache(compiledCodeFolder());
const folder = new URL('../../../build/packages/', import.meta.url);
const files = bundledFiles();
if (files.size > 0) {
  registerHooks({
    resolve(specifier, context, next) {
      const file = files.get(specifier);
      // What lies in node_modules gets the packages that it was tested with.
      if (file === undefined || context.parentURL?.includes('/node_modules/')) return next(specifier, context);
      const format = file.endsWith('.cjs') ? 'commonjs' : 'module';
      return { url: new URL(file, folder).href, format, shortCircuit: true };
    },
  });
}

/** Files by what modules import. */
function bundledFiles(): ReadonlyMap<string, string> {
  try {
    return new Map(Object.entries(JSON.parse(readFileSync(new URL('index.json', folder), 'utf8'))));
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    return new Map();
  }
}
