import { TrikdError } from '../domain/errors.js';
import type { FileRef } from '../stages/origin.js';
import { isRemote } from '../stages/stage.js';
import { type StagedRun, stagesOf } from '../stages/stages-of.js';
import { type DataSpec, isStored, type StoredData } from './data-spec.js';
import { type EndpointAddress, endpointAddress } from './outside-spec.js';

/** Which data and weights files a service reads for a run. */
export interface DataAccess {
  /** Names of the registered datasets; absent: any name, which is looked for where data are installed. */
  readonly names?: readonly string[];
  /** Names of the registered weights files; absent: none. */
  readonly weights?: readonly string[];
  /** Whether a spec may name a folder or a file by its path. */
  readonly paths: boolean;
}

/** Everything that this machine has: for the person who owns it. */
export const ANY_DATA: DataAccess = { paths: true };

/** A setting of the data that a service does not accept, and why. */
export interface DataProblem {
  readonly field: 'data.folder' | 'data.testFolder' | 'data.file' | 'data.name';
  readonly description: string;
}

/** Why a service does not read the data of a spec. It says nothing about the files of the service. */
export function dataProblems(data: DataSpec, { names, paths }: DataAccess): readonly DataProblem[] {
  if (!isStored(data) || data.kind === 'module') return [];
  const known = names && names.length > 0 ? `one of ${names.join(', ')}` : 'which its operator registers';
  const named = pathsIn(data);
  if (named.length > 0 && !paths) {
    const description = `this service reads no path that a spec names: set data.name to a dataset, ${known}`;
    return named.map((field) => ({ field, description }));
  }
  if (data.name === undefined || !names || names.includes(data.name)) return [];
  return [{ field: 'data.name', description: `this service has no dataset ${data.name}: name ${known}` }];
}

/** The settings of data that are paths. */
function pathsIn(data: StoredData): readonly DataProblem['field'][] {
  const paths = {
    'data.file': 'file' in data ? data.file : undefined,
    'data.folder': 'folder' in data ? data.folder : undefined,
    'data.testFolder': 'testFolder' in data ? data.testFolder : undefined,
  } as const;
  return (Object.keys(paths) as (keyof typeof paths)[]).filter((field) => paths[field] !== undefined);
}

/** A weights file that a service does not read, where the spec names it, and why. */
export interface WeightsProblem {
  readonly field: string;
  readonly description: string;
}

/** Why a service does not read the weights files of a spec. It says nothing about the files of the service. */
export function weightsProblems(spec: StagedRun, access: DataAccess): readonly WeightsProblem[] {
  const found = new Map<string, WeightsProblem>();
  for (const [field, ref] of filesOf(spec)) {
    const description = problemOf(ref, access);
    if (description !== undefined) found.set(field, { field, description });
  }
  return [...found.values()];
}

function problemOf({ file, isRegistered }: FileRef, { weights = [], paths }: DataAccess): string | undefined {
  const known = weights.length > 0 ? `one of ${weights.join(', ')}` : 'which its operator registers';
  if (!isRegistered) {
    return paths ? undefined : `this service reads no path that a spec names: name registered weights, ${known}`;
  }
  return weights.includes(file) ? undefined : `this service has no weights ${file}: name ${known}`;
}

/** The files that a spec names, each with its field. */
function filesOf(spec: StagedRun): readonly (readonly [field: string, ref: FileRef])[] {
  return stagesOf(spec).flatMap(({ index, frozen, learners }) => {
    const models = frozen.flatMap(({ name, from }) => (from === 'promoted' ? [] : [{ name, ref: from, is: 'from' }]));
    const initial = learners.flatMap(({ name, init }) => (init === 'fresh' ? [] : [{ name, ref: init, is: 'init' }]));
    return [...models, ...initial].flatMap(({ name, ref, is }) => {
      if (ref.kind !== 'file') return [];
      const list = is === 'from' ? 'frozen' : 'learners';
      return [[spec.stages ? `stages.${index}.${list}.${name}.${is}` : `${name}.${is}`, ref] as const];
    });
  });
}

/** Which endpoints a service asks for a run. */
export interface EndpointAccess {
  /** Names of those that are registered. */
  readonly names: readonly string[];
  /** Whether a spec may name one by its address. */
  readonly addresses: boolean;
}

/** What a person's own machine asks: any address, and no name is registered. */
export const ANY_ENDPOINT: EndpointAccess = { names: [], addresses: true };

/** Why a service does not ask an endpoint; undefined: it does. */
export function endpointProblem(endpoint: string, { names, addresses }: EndpointAccess): string | undefined {
  const found = endpointAddress(endpoint);
  const known = names.length > 0 ? `one of ${names.join(', ')}` : 'which its operator registers in endpoints';
  if (!found) return 'expected host:port, https://host, or the name of an endpoint that the services have registered';
  if (found.kind === 'registered') {
    return names.includes(found.name) ? undefined : `this service has no endpoint ${found.name}: name ${known}`;
  }
  return addresses ? undefined : `this service asks no address that a spec names: name an endpoint, ${known}`;
}

/** An endpoint that a service does not ask, where the spec names it, and why. */
export interface EndpointProblem {
  readonly field: string;
  readonly description: string;
}

/** Why a service does not ask the endpoints of a spec. */
export function endpointProblems(spec: StagedRun, access: EndpointAccess): readonly EndpointProblem[] {
  const found = new Map<string, EndpointProblem>();
  for (const { index, frozen } of stagesOf(spec)) {
    for (const { name, from } of frozen.filter(isRemote)) {
      const field = `${spec.stages ? `stages.${index}.frozen.${name}` : name}.from.endpoint`;
      const description = endpointProblem(from.endpoint, access);
      if (description !== undefined) found.set(field, { field, description });
    }
  }
  return [...found.values()];
}

/** @throws TrikdError 'forbidden' for an endpoint that the service does not ask */
export function allowedEndpoint(endpoint: string, access: EndpointAccess): EndpointAddress {
  const found = endpointAddress(endpoint);
  const problem = endpointProblem(endpoint, access);
  if (problem !== undefined || !found) throw new TrikdError('forbidden', `endpoint ${endpoint}: ${problem}`);
  return found;
}
