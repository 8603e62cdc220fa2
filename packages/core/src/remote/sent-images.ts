import type { ImageShape } from '../data/image-source.js';
import type { RemoteForm } from './remote-form.js';

/** Converts images of a batch to the bytes of a request. */
export type SendImages = (images: Uint8Array) => Uint8Array;

/** How pixels are normalised, by channel: (pixel / 255 - mean) / std. */
export interface Normalisation {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Values of a pixel. */
const LEVELS = 256;

/**
 * What a model gets: pixels, or float32 little-endian as the models of the run see them, in its layout.
 * @returns for [rows, height, width, channels] of uint8, the bytes of [rows, ...] in the form
 */
export function sentImages(form: RemoteForm, shape: ImageShape, normalisation: Normalisation): SendImages {
  const { channels } = shape;
  const move = form.layout === 'nchw' && channels > 1;
  if (form.datatype === 'UINT8')
    return (images) => (move ? placed(images, new Uint8Array(images.length), shape) : images);
  const values =
    form.pixels === 'normalised'
      ? normalised(normalisation)
      : Float32Array.from({ length: LEVELS * channels }, (_, at) => at % LEVELS);
  return (images) => {
    const sent = new Float32Array(images.length);
    for (const [at, pixel] of images.entries()) sent[at] = values[(at % channels) * LEVELS + pixel]!;
    const all = move ? placed(sent, new Float32Array(sent.length), shape) : sent;
    return new Uint8Array(all.buffer);
  };
}

/** The value of each pixel value in each channel, rounded after each operation as the graphs of the run compute it. */
function normalised({ mean, std }: Normalisation): Float32Array {
  const values = new Float32Array(LEVELS * mean.length);
  for (const [channel, deviation] of std.entries()) {
    const scale = Math.fround(1 / (255 * deviation));
    const shift = Math.fround(-mean[channel]! / deviation);
    for (let pixel = 0; pixel < LEVELS; pixel++) values[channel * LEVELS + pixel] = Math.fround(pixel * scale) + shift;
  }
  return values;
}

/** Moves the channels of each image before its pixels. */
function placed<T extends Uint8Array | Float32Array>(images: T, into: T, { height, width, channels }: ImageShape): T {
  const pixels = height * width;
  const size = pixels * channels;
  for (let first = 0; first < images.length; first += size) {
    for (let at = 0; at < size; at++) {
      into[first + (at % channels) * pixels + Math.floor(at / channels)] = images[first + at]!;
    }
  }
  return into;
}
