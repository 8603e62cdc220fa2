/** Documents here nest a few levels deep, and the parser recurses once per level. */
const MAX_DEPTH = 64;

/**
 * Parses JSON and rejects objects with duplicate keys. `JSON.parse` silently keeps the last value, so two readers could
 * see two different documents.
 * @throws SyntaxError
 */
export function parseStrictJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  // The text is valid JSON from here on, so only strings and brackets need to be distinguished.
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
 * Parses bytes as strict JSON. Bytes that are not UTF-8 and a byte order mark are rejected.
 * @throws SyntaxError, or TypeError for invalid UTF-8
 */
export function decodeStrictJson(bytes: Uint8Array): unknown {
  return parseStrictJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
}
