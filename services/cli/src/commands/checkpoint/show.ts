import { loadParams } from '@trikd/core/checkpoint/blobs';
import type { LearnerPart, PairManifest } from '@trikd/core/checkpoint/manifest';
import { describeTensor } from '@trikd/core/checkpoint/tensor-types';
import { TrikdError } from '@trikd/core/domain/errors';
import type { AttemptNumerics, Numerics } from '@trikd/core/domain/numerics';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { ROLES } from '@trikd/core/domain/position';
import type { Blob, Score } from '@trikd/core/domain/role-checkpoint';
import type { Params } from '@trikd/core/models/params';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { isGeneration, otherTexts, primaryText, stageText } from '@trikd/events/names';
import Table from 'cli-table3';
import { inOrderOf, stageOf } from '../../run/participants.js';
import { printable } from '../../terminal/printable.js';
import { formatted, size } from '../../terminal/texts.js';
import { catalogue, type Entry, learnersOf, type NamedPart, selected } from './catalogue.js';
import type { ShowOptions } from './command.js';
import { openRun } from './open-run.js';

/** A blob with its params, or the reason why they cannot be read. */
export interface ShownBlob {
  readonly what: string;
  readonly blob: Blob;
  readonly held: Params | TrikdError;
}

/** `trikd checkpoint show`. Returns the text to print, and whether all of the checkpoint could be read. */
export async function show(
  { runId, from, output, wanted, roles }: ShowOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly text: string; readonly sound: boolean }> {
  const run = await openRun(runId, from, env);
  const entry = selected(await catalogue(run), wanted, runId);
  const { manifest } = entry;
  if (!manifest) throw entry.refusal ?? new TrikdError('corrupt', `the checkpoint ${entry.name} cannot be read`);
  const blobs = await held(run.store, learnersOf(run.spec, manifest, entry.name, roles));
  const sound = blobs.every(({ held }) => !(held instanceof TrikdError));
  const text =
    output === 'table' ? shownText(run.spec, entry, manifest, blobs) : formatted(shown(entry, manifest, blobs), output);
  return { text, sound };
}

async function held(store: ObjectStore, learners: readonly NamedPart[]): Promise<readonly ShownBlob[]> {
  const named = learners.flatMap(([name, { state, best }]) => [
    { what: `state of the ${name}`, blob: state },
    ...(best ? [{ what: `best params of the ${name}`, blob: best.params }] : []),
  ]);
  const read: ShownBlob[] = [];
  // One at a time: the four blobs of a large model need not fit into memory together.
  for (const one of named) read.push({ ...one, held: await loadOrRefusal(store, one.blob) });
  return read;
}

async function loadOrRefusal(store: ObjectStore, blob: Blob): Promise<Params | TrikdError> {
  try {
    return await loadParams(store, blob);
  } catch (error) {
    if (error instanceof TrikdError && error.kind === 'corrupt') return error;
    throw error;
  }
}

/** A checkpoint, for people. */
export function shownText(spec: RunSpec, entry: Entry, manifest: PairManifest, blobs: readonly ShownBlob[]): string {
  const { stage: stageIndex, step, attempt, specDigest, datasetDigest, numerics, learners, writer } = manifest;
  const { name: stage } = stageOf(spec, stageIndex);
  const said = [entry.status, ...entry.marks].join(', ');
  return [
    `checkpoint ${entry.name} of run ${spec.name} (${said})`,
    `position     ${stageText(stage, stageIndex)}, step ${step}, attempt ${attempt}`,
    `written      ${entry.writtenAt ?? 'at an unknown time'}, by ${printable(writer)}`,
    `key          ${entry.key}`,
    `spec         ${specDigest}`,
    `data         ${datasetDigest}`,
    ...frozenLines(stage, manifest),
    ...computedWith(numerics ?? {}),
    ...inOrderOf(spec, Object.keys(learners)).flatMap((name) => scores(name, learners[name])),
    ...blobs.map(blobText),
  ].join('\n');
}

/** The digest of each frozen model. */
function frozenLines(stage: string, { frozen }: PairManifest): readonly string[] {
  const lines = Object.entries(frozen).map(([name, sha256]) => `${name.padEnd(12)} ${sha256}`);
  return lines.length === 0 && isGeneration(stage) ? ['anchor       none'] : lines;
}

/** One line for the models that compute alike. */
function computedWith(numerics: AttemptNumerics): readonly string[] {
  const roles = new Map<string, string[]>();
  for (const role of ROLES) {
    const known = numerics[role];
    if (!known) continue;
    const text = numericsText(known);
    roles.set(text, [...(roles.get(text) ?? []), role]);
  }
  const lines = [...roles].map(([text, names]) => `${names.join(', ')}: ${text}`);
  return (lines.length > 0 ? lines : ['not recorded']).map(
    (line, at) => `${at === 0 ? 'numerics ' : '         '}    ${line}`,
  );
}

function numericsText({ tensorflow, processor, kernels, device, threads, precision }: Numerics): string {
  const on = device === 'cpu' ? processor : `${device}, ${processor}`;
  return printable(`TensorFlow ${tensorflow}, ${on} (${kernels.join(' ')}), ${threads} threads, ${precision}`);
}

function scores(learner: string, { best }: Partial<LearnerPart> = {}): readonly string[] {
  if (!best) return [`${learner.padEnd(12)} not validated yet`];
  const { step, validation, test } = best;
  return [
    `${learner.padEnd(12)} best at step ${step}: validation ${score(validation)}${test ? `, test ${score(test)}` : ''}`,
  ];
}

function score({ metrics, examples }: Score): string {
  return `${primaryText(metrics)} (${[...otherTexts(metrics), `${examples} images`].join(', ')})`;
}

function blobText({ what, blob, held }: ShownBlob): string {
  const head = `\n${what}: ${size(blob.bytes)}\n${blob.key}`;
  if (held instanceof TrikdError) return `${head}\nDAMAGED: ${held.message}`;
  const table = new Table({
    head: ['tensor', 'type and shape', 'bytes'],
    colAligns: ['left', 'left', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const [name, tensor] of held) table.push([printable(name), describeTensor(tensor), tensor.data.byteLength]);
  const total = totals(held);
  return `${head}\n${table.toString()}\n${total.tensors} tensors, ${total.elements} numbers, ${total.bytes} bytes of data`;
}

function totals(params: Params): { readonly tensors: number; readonly elements: number; readonly bytes: number } {
  const data = [...params.values()].map((tensor) => tensor.data);
  return {
    tensors: data.length,
    elements: data.reduce((sum, { length }) => sum + length, 0),
    bytes: data.reduce((sum, { byteLength }) => sum + byteLength, 0),
  };
}

function shown(
  { manifest: _manifest, refusal: _refusal, ...entry }: Entry,
  manifest: PairManifest,
  blobs: readonly ShownBlob[],
): object {
  return {
    ...entry,
    manifest,
    blobs: blobs.map(({ what, blob, held }) => ({
      what,
      ...blob,
      ...(held instanceof TrikdError
        ? { problem: held.message }
        : {
            total: totals(held),
            tensors: [...held].map(([name, { dtype, shape, data }]) => ({
              name,
              dtype,
              shape,
              bytes: data.byteLength,
            })),
          }),
    })),
  };
}
