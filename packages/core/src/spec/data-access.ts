import { type DataSpec, isStored, type StoredData } from './data-spec.js';

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
