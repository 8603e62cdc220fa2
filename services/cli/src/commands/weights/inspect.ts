import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import { ModelSpec } from '@trikd/core/models/registry';
import { plainIssue } from '@trikd/core/spec/plain-issue';
import { guessedModel, type ModelFit, modelFit } from '@trikd/core/weights/model-fit';
import { readWeightsFile } from '@trikd/model-host/weights';
import Table from 'cli-table3';
import { parse } from 'yaml';
import type { InspectWeightsOptions } from './command.js';

/** What `trikd weights inspect` prints. */
export interface InspectedWeights {
  readonly file: string;
  readonly format: string;
  /** Hex. */
  readonly sha256: string;
  /** In all tensors. */
  readonly numbers: number;
  readonly tensors: readonly { readonly name: string; readonly type: string; readonly shape: readonly number[] }[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Absent where neither the names nor the caller tell a network. */
  readonly fit?: ModelFit;
}

/** @throws TrikdError 'invalid' for another kind of file or a model that is none, 'not-found', 'corrupt' for a damaged file */
export async function inspectedWeights({ path, model, side }: InspectWeightsOptions): Promise<InspectedWeights> {
  const wanted = model === undefined ? undefined : modelIn(model);
  const { file, sha256 } = await readWeightsFile(path);
  const spec = wanted ?? guessedModel(file.tensors);
  const sizes = file.tensors.map(({ shape }) => shape.reduce((product, size) => product * size, 1));
  return {
    ...{ file: path, format: file.format, sha256 },
    numbers: sizes.reduce((sum, size) => sum + size, 0),
    tensors: file.tensors.map(({ name, dtype: type, shape }) => ({ name, type, shape })),
    metadata: file.metadata,
    ...(spec && { fit: modelFit(file, spec, side) }),
  };
}

function modelIn(text: string): ModelSpec {
  let settings: unknown;
  try {
    settings = parse(text);
  } catch (cause) {
    throw new TrikdError('invalid', `--model is no YAML: ${messageOf(cause)}`, {}, { cause });
  }
  const parsed = ModelSpec.safeParse(typeof settings === 'string' ? { kind: settings } : settings, {
    error: plainIssue,
  });
  if (parsed.success && parsed.data.kind !== 'module') return parsed.data;
  const mistakes = parsed.error?.issues.map(({ path, message }) => [...path, message].join(': ')) ?? [
    'a module cannot be compared with a file',
  ];
  throw new TrikdError('invalid', `--model: ${mistakes.join('; ')}`);
}

/** The result as text: the file, the fit, and a table of the tensors. */
export function inspectedWeightsText({ file, format, sha256, numbers, tensors, fit }: InspectedWeights): string {
  const table = new Table({
    head: ['tensor', 'type', 'shape'],
    style: { head: [], border: [], compact: true },
  });
  for (const { name, type, shape } of tensors) table.push([name, type, `[${shape.join(', ')}]`]);
  return [
    `${file}: ${format}, ${tensors.length} tensors with ${numbers} numbers`,
    `SHA-256 ${sha256}`,
    fit ? fitText(fit) : 'these are names of no network that is known by them: --model says which to compare with',
    table.toString(),
  ].join('\n');
}

function fitText({ model, names, classes, channels, problems }: ModelFit): string {
  const { kind, ...settings } = model;
  const written = Object.entries({ kind, ...settings }).map(
    ([name, value]) => `${name}: ${Array.isArray(value) ? `[${value.join(', ')}]` : value}`,
  );
  const text = `{ ${written.join(', ')} }`;
  if (problems.length > 0) return `does not fit ${text} by the ${names} names: ${problems.join('; ')}`;
  return `fits ${text} by the ${names} names: ${classes} classes, ${channels} channels`;
}
