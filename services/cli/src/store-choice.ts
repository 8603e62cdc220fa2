import { Option } from 'commander';

/** Where the store of a run is. */
export interface StoreChoice {
  /** Folder that has a folder for each run. */
  readonly store: string;
  /** YAML whose `store` is the store, instead. */
  readonly config?: string;
}

/** `--store DIR` and `--config FILE` */
export function storeOptions(): readonly [Option, Option] {
  return [
    new Option('--store <dir>', 'folder that has a folder for each run').default('runs'),
    new Option('--config <file>', 'YAML whose `store` is where the run is, as services read it').conflicts('store'),
  ];
}
