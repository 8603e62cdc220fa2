import type { Admission, AdmissionLimits } from '@trikd/core/spec/admission';
import { DatasetName } from '@trikd/core/spec/data-spec';
import { z } from 'zod';
import { isLoopback } from './address.js';

/** Settings of a service that reads data and modules for runs, or refuses runs whose data or modules it does not read. */
export const dataSettings = {
  datasets: z
    .record(DatasetName, z.strictObject({ folder: z.string().min(1).describe('folder with the files') }))
    .default({})
    .describe(
      'the data that a run may name, such as `{ fashion-mnist: { folder: /data/fashion-mnist } }`; default: any that are installed',
    ),
  weights: z
    .record(DatasetName, z.strictObject({ file: z.string().min(1).describe('a safetensors file, or model.json') }))
    .default({})
    .describe(
      'files with params that a run may name, such as `{ resnet18: { file: /models/resnet18.safetensors } }`; default: none',
    ),
  dataPaths: z
    .enum(['allowed', 'refused'])
    .optional()
    .describe(
      'whether the spec of a run may name a folder or a file by its path; default: allowed where nothing is registered and the service listens within this machine, in plain text',
    ),
  modules: z
    .string()
    .min(1)
    .optional()
    .describe(
      'folder with the modules that runs may use; each is found by its SHA-256, and its code is executed; default: none',
    ),
};

/** The settings that decide what a service accepts of a run. */
export interface AdmissionConfig {
  readonly listen: string;
  readonly tls?: unknown;
  readonly admission: AdmissionLimits;
  readonly datasets: Readonly<Record<string, { readonly folder: string }>>;
  readonly weights: Readonly<Record<string, { readonly file: string }>>;
  readonly dataPaths?: 'allowed' | 'refused' | undefined;
  readonly modules?: string | undefined;
}

/** What a service accepts of a run. Where others can connect, a path would let them look around on the machine. */
export function admissionOf(config: AdmissionConfig): Admission {
  const { listen, tls, admission, datasets, weights, dataPaths, modules } = config;
  const names = Object.keys(datasets);
  const files = Object.keys(weights);
  const alone = names.length + files.length === 0 && tls === undefined && isLoopback(listen);
  const paths = dataPaths === undefined ? alone : dataPaths === 'allowed';
  const registered = { ...(names.length > 0 && { names }), ...(files.length > 0 && { weights: files }) };
  return { limits: admission, data: { paths, ...registered }, modules: modules !== undefined };
}
