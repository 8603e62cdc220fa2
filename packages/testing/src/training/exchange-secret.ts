/** The secret of every attempt under test, unless it is about secrets. */
export const SECRET = 'ab'.repeat(32);
