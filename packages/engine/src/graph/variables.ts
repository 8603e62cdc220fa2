import type { Tensor } from '@tensorflow/tfjs';
import { TF } from '../dtype.js';
import { EngineError } from '../errors.js';
import type { Attribute, Output } from '../native.js';
import type { ActiveGraph } from './active-graph.js';

/** A piece of a program's state: a resource variable in the graph, with the ops that read and set it. */
export interface Variable {
  readonly name: string;
  readonly shape: readonly number[];
  /** Float32, row-major. */
  readonly initial: Float32Array;
  /** Model params, or what else training writes, such as the slots of an optimizer. */
  readonly kind: 'param' | 'slot';
  readonly handle: Output;
  readonly read: Output;
  /** Placeholder and op of assignment from the host. */
  readonly assignFrom: number;
  readonly assign: number;
}

const FLOAT: Attribute = { name: 'dtype', kind: 'type', value: TF.FLOAT };

/** The variables of one program, in the order of their declaration. */
export class Variables {
  readonly all = new Map<string, Variable>();

  constructor(private readonly graph: ActiveGraph) {}

  declare(name: string, shape: readonly number[], initial: Float32Array, kind: Variable['kind']): Variable {
    const known = this.all.get(name);
    if (known?.kind === 'slot' && kind === 'slot') return known;
    if (known) throw new EngineError('ALREADY_EXISTS', 'two weights of the model have this name', name);
    const { binding } = this.graph;
    const shaped: Attribute[] = [FLOAT, { name: 'shape', kind: 'shape', value: shape }];
    const handle: Output = [
      binding.add('VarHandleOp', [], [...shaped, { name: 'shared_name', kind: 'string', value: name }]).id,
      0,
    ];
    const assignFrom = binding.add('Placeholder', [], shaped).id;
    const variable: Variable = {
      name,
      shape,
      initial,
      kind,
      handle,
      read: [binding.add('ReadVariableOp', [handle], [FLOAT]).id, 0],
      assignFrom,
      assign: binding.add('AssignVariableOp', [handle, [assignFrom, 0]], [FLOAT]).id,
    };
    this.all.set(name, variable);
    return variable;
  }

  value(variable: Variable): Tensor {
    return this.graph.wrap(variable.read, TF.FLOAT, variable.shape);
  }
}
