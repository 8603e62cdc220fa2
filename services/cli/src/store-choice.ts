import { Option } from 'commander';

/** Where the store of a run is. Without a choice the environment names it, or it is in the folder `runs`. */
export interface StoreChoice {
  /** Folder with a folder for each run. */
  readonly store?: string;
  /** YAML file whose `store` it is. */
  readonly config?: string;
}

/** `--store DIR` and `--config FILE` */
export function storeOptions(): readonly [Option, Option] {
  return [
    new Option('--store <dir>', 'folder with a folder for each run (default: TRIKD_STORE__*, or "runs")'),
    new Option('--config <file>', 'configuration of a service whose `store` has the run').conflicts('store'),
  ];
}
