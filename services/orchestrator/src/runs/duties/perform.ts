import type { Duty, RunTransition } from '@trikd/core/run/advance';
import { judge } from './judge.js';
import { type PreparePorts, prepare } from './prepare.js';
import type { DutyScope } from './scope.js';
import { type TrainPorts, train } from './train.js';

export interface PerformPorts extends PreparePorts, TrainPorts {
  readonly times: PreparePorts['times'] & TrainPorts['times'];
}

/** Does what a phase of a run demands, and yields what happened. */
export function perform(run: DutyScope, ports: PerformPorts, todo: Duty): AsyncGenerator<RunTransition> {
  switch (todo.phase) {
    case 'preparing':
      return prepare(run, ports, todo);
    case 'training':
      return train(run, ports, todo);
    case 'promoting':
      return judge(run, todo);
  }
}
