import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Puts scripts and styles into the page itself, so that it is one file. */
function inlined(): Plugin {
  return {
    name: 'inlined',
    enforce: 'post',
    generateBundle(_, bundle) {
      const pages = Object.values(bundle).filter(({ fileName }) => fileName.endsWith('.html'));
      for (const page of pages) {
        if (page.type !== 'asset') continue;
        let text = String(page.source);
        for (const [name, part] of Object.entries(bundle)) {
          if (part === page) continue;
          const content = part.type === 'chunk' ? part.code.replaceAll('</script', '<\\/script') : String(part.source);
          const tag = name.endsWith('.css')
            ? new RegExp(`<link[^>]*href="[^"]*${name}"[^>]*>`)
            : new RegExp(`<script[^>]*src="[^"]*${name}"[^>]*></script>`);
          const inline = name.endsWith('.css')
            ? `<style>${content}</style>`
            : `<script type="module">${content}</script>`;
          // Modules wait for the whole page, wherever they stand. A function: `$&` in a script is no pattern.
          text = text.replace(tag, () => inline);
          delete bundle[name];
        }
        page.source = text;
      }
    },
  };
}

// vite build: the page; vite build --mode report: the report that `trikd report` puts a history into.
export default defineConfig(({ mode }) => ({
  root: source('.'),
  resolve: {
    alias: [{ find: /^@trikd\/(events|protocol)\/(.*)$/, replacement: `${source('../../packages')}/$1/src/$2.ts` }],
  },
  oxc: { jsx: { runtime: 'automatic' as const, importSource: 'preact' } },
  publicDir: mode === 'report' ? false : 'public',
  plugins: mode === 'report' ? [inlined()] : [],
  build: {
    outDir: 'dist',
    emptyOutDir: mode !== 'report',
    modulePreload: false,
    target: 'es2022',
    // One script each: a report is a single file, and a page of this size gains nothing by parts.
    ...(mode === 'report' && { assetsInlineLimit: 1_000_000, cssCodeSplit: false }),
    rolldownOptions: { input: source(mode === 'report' ? 'report.html' : 'index.html') },
  },
}));
