/** No file here is nested deeper than a few levels, and what reads a value calls itself for each. */
const MAX_DEPTH = 64;

/**
 * JSON text as a value; an object that names a key twice is an error here, while `JSON.parse` keeps the last and says
 * nothing, so that two readers could see two different files.
 * @throws SyntaxError
 */
export function parseStrictJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  // The text is valid JSON from here on, so strings and brackets are all that has to be told apart.
  const open: { readonly keys: Set<string> | undefined; atKey: boolean }[] = [];
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],]/g)) {
    const inner = open.at(-1);
    if (open.length > MAX_DEPTH) throw new SyntaxError(`it is nested deeper than ${MAX_DEPTH}`);
    if (token === '{') open.push({ keys: new Set(), atKey: true });
    else if (token === '[') open.push({ keys: undefined, atKey: false });
    else if (token === '}' || token === ']') open.pop();
    else if (token === ',') {
      if (inner?.keys) inner.atKey = true;
    } else if (inner?.keys && inner.atKey) {
      const key = String(JSON.parse(token));
      if (inner.keys.has(key)) throw new SyntaxError(`key ${JSON.stringify(key)} appears twice`);
      inner.keys.add(key);
      inner.atKey = false;
    }
  }
  return value;
}

/**
 * Bytes as strict JSON. Bytes that are not UTF-8 are refused, and so is a byte order mark.
 * @throws SyntaxError, or TypeError for bad UTF-8.
 */
export function decodeStrictJson(bytes: Uint8Array): unknown {
  return parseStrictJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
}
