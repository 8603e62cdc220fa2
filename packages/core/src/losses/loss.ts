import type * as engine from '@trikd/engine';
import type { Scalar, Tensor1D, Tensor2D } from '@trikd/engine';
import type { z } from 'zod';

/**
 * The tensor operations that losses are written with. They are an argument, not an import: the knobs of a loss are part of a run's spec,
 * and who only reads specs must not load TensorFlow.
 */
export type Ops = Pick<typeof engine, 'tf' | 'softmaxCrossEntropy'>;

/** What a distillation loss is computed from. */
export interface LossInputs {
  /** [rows, classes], of the model that learns. */
  readonly logits: Tensor2D;
  /** [rows, classes], of the model that is imitated. A constant: no gradient flows into it. */
  readonly target: Tensor2D;
  /** [rows], int32. */
  readonly labels: Tensor1D;
  /** T of the term, above 0. */
  readonly temperature: Scalar;
  readonly ops: Ops;
}

/** A distillation loss as the registry keeps it. */
export interface DistillationLoss<Kind extends string, Schema extends z.ZodType> {
  readonly kind: Kind;
  /** The knobs, with the defaults that were published. */
  readonly schema: Schema;
  /** Whether it treats the label of a row apart from the other classes: rows with two labels have none such. */
  readonly needsLabel: boolean;
  /**
   * Whether it compares the rows of a batch with each other. Then it is not the mean of the losses of parts of the batch.
   * @param spec what the schema accepts
   */
  comparesRows(spec: unknown): boolean;
  /**
   * The loss before the weight of its term: sum over classes and mean over the batch, unless its file says otherwise.
   * @param spec what the schema accepts
   */
  value(inputs: LossInputs, spec: unknown): Scalar;
}

/** Defines a distillation loss: its name, its knobs, and its value for them. */
export function defineLoss<Kind extends string, Schema extends z.ZodType<{ readonly kind: Kind }>>(loss: {
  readonly kind: Kind;
  readonly schema: Schema;
  readonly needsLabel?: boolean;
  comparesRows?(spec: z.output<Schema>): boolean;
  value(inputs: LossInputs & { readonly spec: z.output<Schema> }): Scalar;
}): DistillationLoss<Kind, Schema> {
  const { kind, schema, needsLabel = false } = loss;
  return {
    ...{ kind, schema, needsLabel },
    comparesRows: (spec) => loss.comparesRows?.(schema.parse(spec)) ?? false,
    value: (inputs, spec) => loss.value({ ...inputs, spec: schema.parse(spec) }),
  };
}
