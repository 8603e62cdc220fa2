import { at } from '../api.js';
import type { AnchorMove } from './asked-models.js';

/** The changes of the anchor of a run; none where the page is not served with runs. */
export async function anchorMoves(run: string): Promise<readonly AnchorMove[]> {
  const answer: unknown = await fetch(`/api/runs/${encodeURIComponent(run)}`)
    .then((response) => (response.ok ? response.json() : undefined))
    .catch(() => undefined);
  const moves = at(answer, 'run', 'anchorMoves');
  if (!Array.isArray(moves)) return [];
  return moves.map((move: unknown) => ({
    // Of generation 0, JSON leaves the number out.
    generation: Number(at(move, 'generation') ?? 0),
    during: Number(at(move, 'during') ?? 0),
    byRule: at(move, 'kind') === 'ANCHOR_MOVE_KIND_RULE',
  }));
}
