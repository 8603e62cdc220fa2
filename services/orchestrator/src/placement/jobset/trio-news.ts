import type { PlacementNews, TrioAddresses } from '../placement.js';
import type { TrioState } from './trio-state.js';

/** What the state of a trio means for its run. @param given the trio as the run knows it */
export function newsOf(state: TrioState, given: TrioAddresses): PlacementNews {
  switch (state.kind) {
    case 'absent':
    case 'over':
      return { kind: 'away', message: state.message };
    case 'deleting':
      return { kind: 'draining', message: state.message };
    case 'suspended':
      return { kind: 'preempted', message: state.wait.message };
    case 'unready':
      if (state.disrupted !== undefined) return { kind: 'preempted', message: state.disrupted };
      return { kind: 'lost', role: state.role, message: state.wait.message };
    case 'ready':
      if (state.disrupted !== undefined) return { kind: 'preempted', message: state.disrupted };
      return sameTrio(given, state.trio) ? { kind: 'back' } : { kind: 'moved', trio: state.trio };
  }
}

function sameTrio(a: TrioAddresses, b: TrioAddresses): boolean {
  const all = ({ teacher, student, anchor, replicas }: TrioAddresses) =>
    JSON.stringify([teacher, student, anchor, replicas?.teacher ?? [], replicas?.student ?? []]);
  return all(a) === all(b);
}
