import type { ServedModel } from './when-served.js';

/** What people need to know of a served model. */
export interface ServedFacts {
  /** host:port of the gRPC server. */
  readonly address: string;
  /** Of the HTTP server. */
  readonly url: string;
  readonly model: ServedModel;
  readonly logs: string;
}

/** A served model, for people: its addresses, and a line to try. */
export function servedText({ address, url, model, logs }: ServedFacts): string {
  const { name, versions, properties } = model;
  const [, ...shape] = model.inputs[0]!.shape;
  const output = model.outputs[0]!;
  const pixels = shape.reduce((product, size) => product * size, 1);
  const facts: readonly (readonly [string, string])[] = [
    ['model', `${name}, version ${properties['version']} of ${versions.join(', ')}`],
    ['images', `UINT8 or FP32 [rows, ${shape.join(', ')}], values 0 to 255`],
    ['outputs', `${output.name}, FP32 [rows, ${output.shape[1]}]`],
    ['gRPC', address],
    ['HTTP', `${url}, with a page to try the models`],
    ['logs', logs],
    ['try', tryLine(url, name, [1, ...shape], pixels)],
  ];
  return facts.map(([title, text]) => `${title.padEnd(9)} ${text}`).join('\n');
}

/** Asks for the outputs of a grey image. */
function tryLine(url: string, name: string, shape: readonly number[], pixels: number): string {
  const body = `{"inputs":[{"name":"images","datatype":"UINT8","shape":[${shape.join(',')}],"data":['"$(yes 128 | head -n ${pixels} | paste -sd , -)"']}]}`;
  return `echo '${body}' | curl -s ${url}/v2/models/${name}/infer -d @-`;
}
