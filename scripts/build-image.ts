/**
 * Builds the image without a daemon: the folders of its layers, which the Dockerfile copies, and from them an archive that is the image of
 * the Dockerfile's final stage. `make image` calls it.
 *
 * usage: node scripts/build-image.ts layers FOLDER --node FOLDER --tensorflow FOLDER --addon FILE [--cuda FOLDER]
 *        node scripts/build-image.ts archive FOLDER FILE [--target cpu|cuda] [--reference NAME:TAG]
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { finalStage } from './image/dockerfile.ts';
import { assembleLayers } from './image/layers.ts';
import { writeArchive } from './image/oci-archive.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    node: { type: 'string' },
    tensorflow: { type: 'string' },
    addon: { type: 'string' },
    cuda: { type: 'string' },
    target: { type: 'string', default: 'cpu' },
    reference: { type: 'string', default: 'trikd:latest' },
  },
});
const [command, folder, file] = positionals;

if (command === 'layers' && folder && values.node && values.tensorflow && values.addon) {
  const { node, tensorflow, addon, cuda } = values;
  assembleLayers(folder, { node, tensorflow, addon, flavour: cuda ? 'gpu' : 'cpu', ...(cuda && { cuda }) });
} else if (command === 'archive' && folder && file) {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
  const revision = git('rev-parse', 'HEAD');
  const created = new Date(Number(git('log', '-1', '--format=%ct')) * 1000).toISOString();
  const stage = finalStage(readFileSync(`${ROOT}Dockerfile`, 'utf8'), values.target, { REVISION: revision });
  const { layers, digest } = await writeArchive(folder, stage, { reference: values.reference, created }, file);
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1).padStart(7)} MB`;
  layers.forEach(({ size, unpacked }, index) => {
    console.log(`${stage.copies[index]!.source.padEnd(18)} ${megabytes(unpacked)} ${megabytes(size)} compressed`);
  });
  console.log(`${file} ${digest}`);
} else {
  console.error(
    'usage: node scripts/build-image.ts layers FOLDER ... | archive FOLDER FILE ...; see the head of the script',
  );
  process.exitCode = 2;
}
