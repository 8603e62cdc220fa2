/** Files of a layer, written so that the same input gives the same bytes, modes and times. */
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** A folder that becomes a layer of the image; paths are those in the image, such as /app/LICENSE. */
export interface Layer {
  copy(source: string, path: string, mode?: number): void;
  write(path: string, text: string): void;
  link(path: string, target: string): void;
  folder(path: string, mode?: number): void;
  /** The path of a file on this machine, whose folder exists. */
  place(path: string): string;
}

const FILE = 0o644;
const FOLDER = 0o755;
const STICKY = 0o1000;

export function layerIn(root: string): Layer {
  const place = (path: string) => {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    return file;
  };
  return {
    place,
    copy(source, path, mode = FILE) {
      copyFileSync(source, place(path));
      chmodSync(place(path), mode);
    },
    write(path, text) {
      writeFileSync(place(path), text);
      chmodSync(place(path), FILE);
    },
    link: (path, target) => symlinkSync(target, place(path)),
    folder(path, mode = FOLDER) {
      mkdirSync(place(path), { recursive: true });
      chmodSync(place(path), mode);
    },
  };
}

/** Gives every entry of a folder the same time, and every folder without the sticky bit the same mode, whatever the umask. */
export function settle(path: string, mode = FOLDER): void {
  const entry = lstatSync(path);
  if (entry.isDirectory()) {
    for (const name of readdirSync(path)) settle(join(path, name), mode);
    if ((entry.mode & STICKY) === 0) chmodSync(path, mode);
  }
  lutimesSync(path, 0, 0);
}
