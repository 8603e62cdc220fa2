import { readFileSync } from 'node:fs';
import type { ImageShape } from '@trikd/core/data/image-source';
import type { ExportFiles } from '@trikd/core/export/export-format';
import type { Browser } from 'playwright-core';

/** TensorFlow.js as a page loads it. */
const SCRIPT = 'node_modules/@tensorflow/tfjs/dist/tf.min.js';

/** Where the page and the files of the model are; nothing leaves the browser. */
const ORIGIN = 'http://model.test';

/** The part of TensorFlow.js that the page uses. */
interface PageTensorFlow {
  setBackend(name: string): Promise<boolean>;
  tensor4d(values: Float32Array, shape: readonly number[]): unknown;
  loadLayersModel(
    path: string,
  ): Promise<{ predict(images: unknown, options: object): { data(): Promise<Float32Array> } }>;
}

/** What a LayersModel puts out in a browser, which loads its files by their names. @param images of uint8, one after another */
export async function computedInBrowser(
  browser: Browser,
  files: ExportFiles,
  images: Uint8Array,
  { height, width, channels }: ImageShape,
): Promise<Float32Array> {
  const served = new Map<string, Uint8Array>([...files, ['images', images], ['', Buffer.from('<!doctype html>')]]);
  const page = await browser.newPage();
  try {
    await page.route(`${ORIGIN}/**`, (route) => {
      const name = new URL(route.request().url()).pathname.slice(1);
      const body = served.get(name);
      if (!body) return route.fulfill({ status: 404 });
      return route.fulfill({
        body: Buffer.from(body),
        contentType: name === '' ? 'text/html' : 'application/octet-stream',
      });
    });
    await page.goto(`${ORIGIN}/`);
    await page.addScriptTag({ content: readFileSync(SCRIPT, 'utf8') });
    const outputs = await page.evaluate(
      async (shape) => {
        const { tf } = globalThis as unknown as { readonly tf: PageTensorFlow };
        await tf.setBackend('cpu');
        const model = await tf.loadLayersModel('/model.json');
        const pixels = Float32Array.from(new Uint8Array(await (await fetch('/images')).arrayBuffer()));
        const count = pixels.length / shape.reduce((product, side) => product * side);
        return Array.from(await model.predict(tf.tensor4d(pixels, [count, ...shape]), { batchSize: 16 }).data());
      },
      [height, width, channels],
    );
    return Float32Array.from(outputs);
  } finally {
    await page.close();
  }
}
