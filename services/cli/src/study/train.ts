import type { Shell } from '../shell.js';
import type { Cell } from './cells.js';
import { type StudyServer, trainAtServer } from './server/train-at-server.js';
import { trainCells } from './train-cells.js';

/** Where runs train, and how many at once. */
export interface Where {
  /** Absent: as many as there is room for. */
  readonly workers?: number;
  /** Absent: this machine. */
  readonly server?: StudyServer;
}

/** Trains runs, and appends the row of each to a file when it has ended. */
export function train(cells: readonly Cell[], file: string, { workers, server }: Where, shell: Shell): Promise<void> {
  return server ? trainAtServer(cells, file, workers, server, shell) : trainCells(cells, file, workers, shell);
}
