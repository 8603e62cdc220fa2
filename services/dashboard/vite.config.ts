import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Inlines scripts and styles, so that the page is one file. */
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
          // Modules run after the whole page is parsed. A function, since `$&` in a script must not act as a pattern.
          text = text.replace(tag, () => inline);
          delete bundle[name];
        }
        page.source = text;
      }
    },
  };
}

// vite build: the page of runs and the one to try models; vite build --mode report: the template into which `trikd report` puts a history.
export default defineConfig(({ mode }) => ({
  root: source('.'),
  resolve: {
    alias: [
      { find: /^@trikd\/(core|events|protocol)\/(.*)$/, replacement: `${source('../../packages')}/$1/src/$2.ts` },
    ],
  },
  oxc: { jsx: { runtime: 'automatic' as const, importSource: 'preact' } },
  publicDir: mode === 'report' ? false : 'public',
  plugins: mode === 'report' ? [inlined()] : [],
  build: {
    outDir: 'dist',
    emptyOutDir: mode !== 'report',
    modulePreload: false,
    target: 'es2022',
    // A report is a single file.
    ...(mode === 'report' && { assetsInlineLimit: 1_000_000, cssCodeSplit: false }),
    rolldownOptions: { input: mode === 'report' ? source('report.html') : [source('index.html'), source('try.html')] },
  },
}));
