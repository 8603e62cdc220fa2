import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { dataFolders } from '@trikd/process/environment';

/** The first images of Fashion-MNIST, as files of their own: a process that is started again has read them at once. */
export function writeFirstImages(folder: string, train: number, test: number): void {
  const found = dataFolders().find((each) => readable(join(each, 'train-images-idx3-ubyte.gz')));
  if (found === undefined) throw new Error(`no Fashion-MNIST in ${dataFolders().join(', ')}: run make data`);
  for (const [part, count] of [
    ['train', train],
    ['t10k', test],
  ] as const) {
    for (const [name, header] of [
      ['images-idx3-ubyte', 16],
      ['labels-idx1-ubyte', 8],
    ] as const) {
      const all = gunzipSync(readFileSync(join(found, `${part}-${name}.gz`)));
      const each = (all.length - header) / all.readUInt32BE(4);
      const first = Buffer.from(all.subarray(0, header + count * each));
      first.writeUInt32BE(count, 4);
      writeFileSync(join(folder, `${part}-${name}`), first);
    }
  }
}

function readable(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}
