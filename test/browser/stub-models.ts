import type { Page } from 'playwright-core';

/** What a stub says of a model: a classifier of images, whose logits it computes from their pixels. */
export interface StubModel {
  readonly name: string;
  readonly version: string;
  readonly logits: (pixels: readonly number[]) => readonly number[];
}

interface StubModels {
  readonly shape: readonly [rows: number, columns: number, channels: number];
  readonly classes: readonly string[];
  readonly models: readonly StubModel[];
}

/** Answers requests of a page as a server of the Open Inference Protocol does. Returns the pixels that it was sent, by model. */
export async function stubModels(page: Page, { shape, classes, models }: StubModels): Promise<Map<string, number[]>> {
  const sent = new Map<string, number[]>();
  await page.route(/\/v2\//, async (route) => {
    const request = route.request();
    const path = new URL(request.url()).pathname;
    if (path === '/v2/repository/index') {
      return route.fulfill({
        json: models.map(({ name, version }) => ({ name, version, state: 'READY', reason: '' })),
      });
    }
    const [, name = '', version, infer] = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(\/infer)?$/.exec(path) ?? [];
    const found = models.findLast((each) => each.name === name && (version ?? each.version) === each.version);
    if (!found) return route.fulfill({ status: 404, json: { error: `no model ${name}` } });
    if (infer === undefined) {
      return route.fulfill({
        json: {
          name,
          versions: [found.version],
          platform: 'stub',
          inputs: [{ name: 'images', datatype: 'UINT8', shape: [-1, ...shape] }],
          outputs: [{ name: 'logits', datatype: 'FP32', shape: [-1, classes.length] }],
          properties: { version: found.version, classes: JSON.stringify(classes) },
        },
      });
    }
    const pixels: number[] = request.postDataJSON().inputs[0].data;
    sent.set(`${name} ${found.version}`, pixels);
    const outputs = [{ name: 'logits', datatype: 'FP32', shape: [1, classes.length], data: found.logits(pixels) }];
    return route.fulfill({ json: { model_name: name, model_version: found.version, outputs } });
  });
  return sent;
}
