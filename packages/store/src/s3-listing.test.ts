import { expect, test } from 'vitest';
import { listingQuery, parseListing } from './s3-listing.js';

const page = (inside: string) =>
  `<?xml version="1.0"?>\n<ListBucketResult xmlns="http://s3">${inside}</ListBucketResult>`;

test('names are texts, whatever they look like, in the order of the answer', () => {
  const names = ['runs%2Fa', '007', '1e3', '0x10', 'true', 'b+c', '50%'];
  const xml = page(names.map((name) => `<Contents><Key>${name}</Key><Size>1</Size></Contents>`).join(''));
  expect(parseListing(xml)).toEqual({ names: ['runs/a', '007', '1e3', '0x10', 'true', 'b c', '50%'] });
});

test('a page that is not the last one says how to ask for the next', () => {
  const xml = page('<IsTruncated>true</IsTruncated><NextContinuationToken>12&amp;&#34;</NextContinuationToken>');
  expect(parseListing(xml)).toEqual({ names: [], next: '12&"' });
  expect(
    parseListing(page('<IsTruncated>false</IsTruncated><NextContinuationToken>x</NextContinuationToken>')),
  ).toEqual({
    names: [],
  });
});

test('what is no listing is none', () => {
  expect(parseListing('<html><Key>a</Key></html>')).toBeUndefined();
});

test('the parts of a query are encoded and sorted', () => {
  expect(listingQuery('runs/a', 1000, undefined)).toBe('encoding-type=url&list-type=2&max-keys=1000&prefix=runs%2Fa');
  expect(listingQuery('', 5, 'x=')).toBe('continuation-token=x%3D&encoding-type=url&list-type=2&max-keys=5&prefix=');
});
