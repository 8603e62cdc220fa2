/** One page of what a bucket holds. */
export interface Listing {
  /** In the order of the answer. */
  readonly names: readonly string[];
  /** Asks for the next page; absent on the last one. */
  readonly next?: string;
}

/** The query of a page of at most `size` names that start with `prefix`; `token` is the `next` of the page before. */
export function listingQuery(prefix: string, size: number, token: string | undefined): string {
  const query = new Map([
    ['list-type', '2'],
    ['encoding-type', 'url'],
    ['max-keys', `${size}`],
    ['prefix', prefix],
  ]);
  if (token !== undefined) query.set('continuation-token', token);
  const parts = [...query].map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  // What is signed is the sorted query.
  return parts.sort().join('&');
}

/**
 * Reads the answer of ListObjectsV2. The client's own reader takes names for numbers where they look like some: 007 becomes 7.
 * Here an answer needs no more than its elements, since `encoding-type=url` keeps names free of anything that XML would escape.
 * @returns undefined for what is no such answer
 */
export function parseListing(xml: string): Listing | undefined {
  if (!/<ListBucketResult[\s>]/.test(xml)) return undefined;
  const names = [...xml.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, name = '']) => decode(name));
  const next = /<NextContinuationToken>([^<]*)<\/NextContinuationToken>/.exec(xml)?.[1];
  const more = /<IsTruncated>true<\/IsTruncated>/.test(xml);
  return { names, ...(more && next !== undefined && { next: unescapeXml(next) }) };
}

/** What is no valid encoding is a name of somebody else's, and comes as it is. */
function decode(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    return name;
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  amp: '&',
  '#34': '"',
  '#39': "'",
};

function unescapeXml(text: string): string {
  return text.replace(/&([a-z]+|#\d+);/g, (entity, name: string) => ENTITIES[name] ?? entity);
}
