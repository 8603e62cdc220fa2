/**
 * Reads things in their order, several at once. Each comes as a function that returns what was read, or throws why it could not be: a
 * failure ends the rest only if the caller lets it.
 * @param most reads at once
 */
export async function* readAhead<Name, Read>(
  names: readonly Name[],
  read: (name: Name) => Promise<Read>,
  most: number,
): AsyncGenerator<() => Read> {
  const begun: Promise<() => Read>[] = [];
  for (let index = 0; index < names.length; index += 1) {
    for (let next = index + begun.length; next < Math.min(names.length, index + most); next += 1) {
      begun.push(outcomeOf(read, names[next]!));
    }
    yield await begun.shift()!;
  }
}

async function outcomeOf<Name, Read>(read: (name: Name) => Promise<Read>, name: Name): Promise<() => Read> {
  try {
    const value = await read(name);
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
