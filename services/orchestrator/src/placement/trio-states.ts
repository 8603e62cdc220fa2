/** Trios by what can be done with them: taken by runs, ready to be taken, shutting down, or out of reach. */
export type TrioStates = Readonly<Record<'taken' | 'ready' | 'draining' | 'away', number>>;
