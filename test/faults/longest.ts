/** `make faults` measures on a machine that does nothing else. */
const MEASURES = process.env['FAULTS'] !== undefined;

/**
 * Milliseconds that recovery, or an exit in order, may take. In the suite, where other programs may share the processors, only a service that
 * hangs takes longer: a test of correctness fails on no busy machine.
 */
export const LONGEST = MEASURES ? 10_000 : 60_000;
