import { read, readSync } from 'node:fs';
import type { Pixels } from '@trikd/core/data/image-source';
import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import type { RegularFile } from '../data-files.js';

/** Bytes of images that are kept because they were read ahead; the oldest make room. */
const AHEAD_BYTES = 64 * 1024 ** 2;

/** Images in files, each file but the last with as many. */
export interface ImageFiles {
  readonly files: readonly RegularFile[];
  /** Of one file. */
  readonly imagesPerFile: number;
  readonly images: number;
  /** Bytes of one image. */
  readonly size: number;
}

/** Closes files that nothing reads any more: a dataset has no end that anybody would be told of. */
const closing = new FinalizationRegistry<readonly RegularFile[]>((files) => {
  for (const { handle } of files) handle.close().catch(() => undefined);
});

/**
 * Pixels that stay in files. What was not read ahead is read where it is wanted, by position: from the page cache of the operating system an
 * image takes microseconds. The files are closed when the result is garbage.
 */
export function filePixels(source: ImageFiles): Pixels {
  const { size, images } = source;
  const ahead = readAheadCache(source);
  const pixels: Pixels = {
    length: images * size,
    subarray(begin, end) {
      const index = begin / size;
      const known = end === begin + size ? ahead.take(index) : undefined;
      return known ?? readNow(source, begin, end);
    },
    readAhead: ahead.read,
  };
  closing.register(pixels, source.files);
  return pixels;
}

function readNow({ files, imagesPerFile, size }: ImageFiles, begin: number, end: number): Uint8Array {
  const fileBytes = imagesPerFile * size;
  const output = Buffer.allocUnsafe(end - begin);
  for (let at = begin; at < end; ) {
    const file = files[Math.floor(at / fileBytes)]!;
    const position = at % fileBytes;
    const length = Math.min(end - at, fileBytes - position);
    at += readPart(file, output.subarray(at - begin, at - begin + length), position);
  }
  return output;
}

/** @returns the bytes that were read, at least one */
function readPart({ path, handle }: RegularFile, output: Uint8Array, position: number): number {
  try {
    const read = readSync(handle.fd, output, 0, output.length, position);
    if (read > 0) return read;
  } catch (cause) {
    throw new TrikdError('unavailable', `cannot read ${path}: ${messageOf(cause)}`, { path }, { cause });
  }
  throw new TrikdError('unavailable', `${path} was cut while it is read`, { path });
}

function readAheadCache({ files, imagesPerFile, images, size }: ImageFiles) {
  const kept = new Map<number, Uint8Array>();
  const pending = new Set<number>();
  const most = Math.floor(AHEAD_BYTES / size);
  const keep = (index: number, pixels: Uint8Array) => {
    kept.set(index, pixels);
    for (const oldest of kept.keys()) {
      if (kept.size <= most) break;
      kept.delete(oldest);
    }
  };
  return {
    take: (index: number) => kept.get(index),
    read(wanted: Iterable<number>): void {
      for (const index of wanted) {
        if (index >= images || kept.has(index) || pending.has(index) || pending.size >= most) continue;
        pending.add(index);
        const { fd } = files[Math.floor(index / imagesPerFile)]!.handle;
        const pixels = Buffer.allocUnsafe(size);
        read(fd, pixels, 0, size, (index % imagesPerFile) * size, (error, bytes) => {
          pending.delete(index);
          // What fails here fails again where the image is wanted, and is reported there.
          if (!error && bytes === size) keep(index, pixels);
        });
      }
    },
  };
}
