/** A configuration as settings by path: `{ store: { path: 'x' } }` becomes `{ 'store.path': 'x' }`. */
export function settingsOf(config: object, prefix = ''): Readonly<Record<string, unknown>> {
  const entries = Object.entries(config).flatMap(([name, value]): readonly (readonly [string, unknown])[] => {
    const isSection = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isSection ? Object.entries(settingsOf(value, `${prefix}${name}.`)) : [[`${prefix}${name}`, value]];
  });
  return Object.fromEntries(entries);
}
