/** Types that convolutions compute in. */
export const PRECISIONS = ['float32', 'bfloat16'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** What all sides of one comparison train. */
export interface Cell {
  /** `STUDENT` alone, on labels, or the trio `STUDENT/TEACHER`, whose anchor is a second student. */
  readonly models: string;
  /** Images of a step, of 32x32 in three colours. */
  readonly batch: number;
  readonly classes: number;
  readonly precision: Precision;
}

/** Each value of which the cells of a sweep are all combinations. */
export interface Axes {
  readonly models: readonly string[];
  readonly batches: readonly number[];
  readonly classes: readonly number[];
  readonly precisions: readonly Precision[];
}

/** What is measured unless flags say otherwise. */
export const USUAL: Axes = {
  models: ['resnet-20', 'resnet-20/resnet-56'],
  batches: [128],
  classes: [100],
  precisions: PRECISIONS,
};

/** What `--sweep` measures. */
export const SWEEP: Axes = {
  models: [
    ...['resnet-8', 'resnet-20', 'resnet-56', 'resnet-110', 'wrn-16-2', 'wrn-40-2', 'mobilenet-v2'],
    ...['resnet-8/resnet-20', 'resnet-20/resnet-56', 'resnet-20/resnet-110', 'wrn-16-2/wrn-40-2'],
    'mobilenet-v2/resnet-56',
  ],
  batches: [32, 128, 512, 1024],
  classes: [10, 100, 1000],
  precisions: PRECISIONS,
};

/** All combinations, those of one network beside each other. */
export function cellsOf({ models, batches, classes, precisions }: Axes): readonly Cell[] {
  return models.flatMap((each) =>
    precisions.flatMap((precision) =>
      batches.flatMap((batch) => classes.map((many) => ({ models: each, batch, classes: many, precision }))),
    ),
  );
}

/** `resnet-20/resnet-56, batch 128, 100 classes, float32` */
export function cellText({ models, batch, classes, precision }: Cell): string {
  return `${models}, batch ${batch}, ${classes} classes, ${precision}`;
}

export function sameCell(a: Cell, b: Cell): boolean {
  return a.models === b.models && a.batch === b.batch && a.classes === b.classes && a.precision === b.precision;
}
