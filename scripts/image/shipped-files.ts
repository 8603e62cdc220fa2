/** Which files of a package the image has: what Node.js loads, and licences. */

/** What no process reads: types, sources that were compiled, maps, text for people, native sources. */
const UNREAD = /\.(map|ts|mts|cts|tsx|md|markdown|flow|yml|cc|c|h|gyp|gypi|bat|sh|html|png|svg|lock|tsbuildinfo)$/i;
const LICENCE = /^(licen[cs]e|copying|notice|third.?party|copyright|patents)/i;
/** Top files for those who work on a package. */
const UNREAD_TOP = /^(test|bench|benchmark|eslint\.config|gruntfile|karma)[\w.-]*\.[cm]?js$/i;
/** Top folders for those who work on a package. Deeper down a folder of such a name may have code, as `dist/doc` of yaml has. */
const UNREAD_FOLDERS = new Set([
  '.github',
  '.vscode',
  '__tests__',
  'bench',
  'benchmark',
  'benchmarks',
  'coverage',
  'demo',
  'demos',
  'doc',
  'docs',
  'example',
  'examples',
  'fixtures',
  'man',
  'test',
  'tests',
]);

/** Copies of the same code for browsers and for other module systems, by package. */
const UNREAD_COPIES: readonly (readonly [packages: RegExp, files: RegExp])[] = [
  // Node.js loads one file of each package of TensorFlow.js.
  [
    /^@tensorflow\/tfjs(-core|-layers|-data|-converter|-backend-cpu|-backend-webgl)?$/,
    /^(?!package\.json$|dist\/tf[\w-]*\.node\.js$)/,
  ],
  // Its kernels, and what they import.
  [
    /^@tensorflow\/tfjs-node-gpu$/,
    /^(?!package\.json$|dist\/(kernels|proto)\/|dist\/(register_all_kernels|nodejs_kernel_backend|int64_tensors|tfjs_binding)\.js$)/,
  ],
  [/^@opentelemetry\//, /^build\/(esm|esnext)\//],
  [/^rxjs$/, /^(src\/|dist\/(bundles|esm|esm5|types)\/)/],
  [/^zod$/, /^src\//],
  [/^pngjs$/, /^browser\.js$/],
  [/^protobufjs$/, /^(dist|cli|scripts)\/|\/test\.js$/],
  // Helpers of our own tests.
  [/^@trikd\//, /\/testing\//],
];

/** @param path inside the package, with slashes */
export function isShipped(name: string, path: string): boolean {
  const folders = path.split('/');
  const file = folders.pop() ?? '';
  if (LICENCE.test(file) && !/\.(js|cjs|mjs)$/.test(file)) return true;
  if (UNREAD_FOLDERS.has(folders[0] ?? '') || UNREAD_TOP.test(path)) return false;
  if (UNREAD.test(file) || file.startsWith('.')) return false;
  return !UNREAD_COPIES.some(([packages, files]) => packages.test(name) && files.test(path));
}
