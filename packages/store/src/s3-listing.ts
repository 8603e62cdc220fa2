/** One page of the keys of a bucket. */
export interface Listing {
  /** In the order of the response. */
  readonly names: readonly string[];
  /** Token of the next page; absent on the last one. */
  readonly next?: string;
}

/** The query for a page of at most `size` names that start with `prefix`; `token` is the `next` of the previous page. */
export function listingQuery(prefix: string, size: number, token: string | undefined): string {
  const query = new Map([
    ['list-type', '2'],
    ['encoding-type', 'url'],
    ['max-keys', `${size}`],
    ['prefix', prefix],
  ]);
  if (token !== undefined) query.set('continuation-token', token);
  const parts = [...query].map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  // The signature covers the sorted query.
  return parts.sort().join('&');
}

/**
 * Reads the answer of ListObjectsV2. The client's own parser reads names that look like numbers as numbers: 007 becomes 7.
 * Here an answer needs no more than its elements, since `encoding-type=url` keeps names free of anything that XML would escape.
 * @returns undefined for any other text
 */
export function parseListing(xml: string): Listing | undefined {
  if (!/<ListBucketResult[\s>]/.test(xml)) return undefined;
  const names = [...xml.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, name = '']) => decode(name));
  const next = /<NextContinuationToken>([^<]*)<\/NextContinuationToken>/.exec(xml)?.[1];
  const more = /<IsTruncated>true<\/IsTruncated>/.test(xml);
  return { names, ...(more && next !== undefined && { next: unescapeXml(next) }) };
}

/** A name that is not a valid encoding is not ours, and is returned unchanged. */
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
