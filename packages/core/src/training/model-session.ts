import type { Session } from '@trikd/engine';

/** A model in a session, as the training loop uses it. Its functions are those of `role-program.ts`. */
export type ModelSession = Pick<Session, 'run' | 'take' | 'put' | 'state' | 'assign' | 'close'>;
