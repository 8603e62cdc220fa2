import type { HostTensor } from '@trikd/engine';

export type { HostTensor };

/**
 * The numbers of a model or of its optimizer, by name. Model params are named by layer (`stage1/block0/conv1/kernel`),
 * optimizer slots after their param (`…/kernel/momentum`).
 */
export type Params = ReadonlyMap<string, HostTensor>;
