/**
 * Offers hostile input to what reads it, one after the other, and prints for each a line of JSON: why it is refused, the time until then
 * and by how much the peak of resident memory rose meanwhile.
 *
 * usage: node --expose-gc hostile-input-process.ts FILE      (a list of inputs as JSON)
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { AdmissionLimits, assertAdmitted, ownAdmission } from '@trikd/core/spec/admission';
import { loadDataset } from '@trikd/model-host/data/load-dataset';
import { parseSpec } from '@trikd/protocol/parse-spec';
import { specFor } from '@trikd/testing/specs/spec-for';
import { loadSpec } from '../../services/cli/dist/options/load-spec.js';
import type { HostileInput, Refusal } from './hostile-inputs.js';

const admission = ownAdmission(AdmissionLimits.parse({}));

/** What each kind of input is offered to. */
const READERS: Readonly<Record<HostileInput['kind'], (input: string) => unknown>> = {
  // A run over the wire, until something would be stored or allocated for it.
  request: (json) => assertAdmitted(parseSpec(json), admission),
  file: (path) => assertAdmitted(loadSpec(path, []), admission),
  // Memory that the measurement must see.
  ballast: (bytes) => Buffer.alloc(Number(bytes), 1),
  folder: (folder) => loadDataset(specFor('bare', { data: { kind: 'idx', folder, validation: 2 }, batchSize: 2 })),
};

const inputs: readonly HostileInput[] = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
// Code is loaded and compiled by input that is as it should be.
await refusalOf({ what: 'honest', kind: 'request', input: JSON.stringify(specFor('bare')) });
for (const input of inputs) console.log(JSON.stringify(await refusalOf(input)));

async function refusalOf({ what, kind, input }: HostileInput): Promise<Refusal> {
  globalThis.gc?.();
  // Resets the peak of resident memory to what is resident now.
  writeFileSync('/proc/self/clear_refs', '5');
  const before = peak();
  const began = performance.now();
  let message = '';
  try {
    await READERS[kind](input);
  } catch (error) {
    message = error instanceof Error ? `${error.name}: ${error.message}` : `${error}`;
  }
  return { what, message, milliseconds: performance.now() - began, mebibytes: peak() - before };
}

/** In MiB. */
function peak(): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
}
