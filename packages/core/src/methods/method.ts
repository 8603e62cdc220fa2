import type { z } from 'zod';
import type { RunSettings } from '../spec/run-settings.js';
import type { Stage } from '../stages/stage.js';

/** Settings of a run that some methods use. */
export type Used = 'teacher' | 'assistants' | 'objective';

/** Its knobs have a literal `kind`. */
export type Knobs = z.ZodObject<{ readonly kind: z.ZodLiteral<string> }>;

/** A way to distil: it decides the stages of a run. Pure. */
export interface Method<Schema extends Knobs = Knobs> {
  /** Its knobs, its `kind` among them, which is its name. */
  readonly knobs: Schema;
  /** What it uses of a run besides the student; a spec that sets another one of these is refused. */
  readonly uses: readonly Used[];
  /** Whether its teacher may come from outside of the run, frozen; it depends on the knobs in some. Absent: its teacher trains. */
  readonly freezesTeacher?: boolean | ((knobs: z.output<Schema>) => boolean);
  /** Its stages in order, as many as there can be. */
  stages(run: RunSettings, knobs: z.output<Schema>): readonly Stage[];
}

/** Infers the type of the knobs of a method. */
export function method<Schema extends Knobs>(definition: Method<Schema>): Method<Schema> {
  return definition;
}
