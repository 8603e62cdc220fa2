// A process of its own on the sources, for tests that kill it: node --experimental-transform-types store-process.mjs FOLDER TASK
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    const [, name, path] = /^@trikd\/([a-z-]+)\/(.*)$/.exec(specifier) ?? [];
    if (name) return next(new URL(`../../../${name}/src/${path}.ts`, import.meta.url).href, context);
    return next(specifier.startsWith('.') ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
});

const { openFolderStore } = await import('@trikd/store/folder-store');
const { openFolderLock } = await import('@trikd/store/folder-lock');

const [folder = '', task = ''] = process.argv.slice(2);

const tasks = {
  /** Takes the lock and never gives it back. */
  hold: () =>
    openFolderLock(`${folder}/~lock`).hold(async () => {
      console.log('held');
      await new Promise((resolve) => setInterval(resolve, 2 ** 30));
    }),
  /** Writes larger and larger objects without end. */
  write: async () => {
    const store = await openFolderStore(folder);
    for (let value = 1; ; value++) {
      await store.put('whole', new Uint8Array(1_000_000 + value).fill(value));
      if (value === 3) console.log('writing');
    }
  },
  /** Adds 25 to the counter. */
  count: async () => {
    const store = await openFolderStore(folder);
    for (let added = 0; added < 25; ) {
      const { bytes, version } = await store.get('counter');
      const next = Buffer.from(`${Number(Buffer.from(bytes).toString()) + 1}`);
      if ((await store.replace('counter', next, version)) === 'replaced') added++;
    }
    console.log('counted');
  },
};

await tasks[task]();
