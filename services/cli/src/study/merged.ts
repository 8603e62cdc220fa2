/** Settings by name. */
export type Settings = Readonly<Record<string, unknown>>;

/** Settings with others over them: sections are merged, everything else is replaced, and null takes a setting away. */
export function merged(settings: Settings, over: Settings): Settings {
  const result = new Map(Object.entries(settings));
  for (const [name, value] of Object.entries(over)) {
    const before = result.get(name);
    if (value === null) result.delete(name);
    else if (isSection(value))
      result.set(name, merged(isSection(before) && !renamed(before, value) ? before : {}, value));
    else result.set(name, value);
  }
  return Object.fromEntries(result);
}

/** A setting within sections: `student.learningRate`. */
export function settingAt(path: string, value: unknown): Settings {
  return path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as Settings;
}

function isSection(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a section is of another kind, whose settings are others. */
function renamed(before: Settings, value: Settings): boolean {
  return value['kind'] !== undefined && value['kind'] !== before['kind'];
}
