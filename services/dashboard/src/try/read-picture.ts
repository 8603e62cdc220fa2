import type { Picture } from '@trikd/core/data/pixels';

/** Bytes of a file, and pixels in it, at most: of a photo, with room to spare. */
const MOST_BYTES = 32 * 1024 * 1024;
const MOST_PIXELS = 64_000_000;

/** Decodes an image with the browser's decoders. @throws Error with a sentence for people */
export async function readPicture(file: Blob): Promise<Picture> {
  if (file.size > MOST_BYTES) throw new Error(`The file is larger than ${MOST_BYTES / 1024 / 1024} MiB.`);
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: 'none' }).catch(() => undefined);
  if (!bitmap) throw new Error('This is no image that the browser can read: try a PNG or JPEG file.');
  const { height, width } = bitmap;
  try {
    if (height * width > MOST_PIXELS) throw new Error(`The image has more than ${MOST_PIXELS / 1e6} million pixels.`);
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { height, width });
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('The browser has no memory for this image.');
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    return { height, width, rgba: new Uint8Array(data.buffer) };
  } finally {
    bitmap.close();
  }
}
