import { expect, test } from 'vitest';
import { listingQuery, openS3Api, parseListing } from './s3-client.js';
import { secret } from './store-config.js';

const api = openS3Api({
  endpoint: 'http://minio:9000',
  bucket: 'runs',
  region: 'us-east-1',
  accessKey: 'me',
  secretKey: secret('s'),
});

test('a store is named by its endpoint and bucket', () => {
  expect(api.place).toBe('http://minio:9000/runs');
});

test('an object that is too large for one request is rejected before anything is sent', async () => {
  const bytes = new Uint8Array(5 * 1024 ** 3 + 1);
  await expect(api.put('a', bytes)).rejects.toMatchObject({
    kind: 'invalid',
    message: 'key a: 5368709121 bytes exceed the limit of 5368709120 for one request',
  });
});

const page = (inside: string) =>
  `<?xml version="1.0"?>\n<ListBucketResult xmlns="http://s3">${inside}</ListBucketResult>`;

test('names are texts, also if they look like numbers, in the order of the response', () => {
  const names = ['runs%2Fa', '007', '1e3', '0x10', 'true', 'b+c', '50%'];
  const xml = page(names.map((name) => `<Contents><Key>${name}</Key><Size>1</Size></Contents>`).join(''));
  expect(parseListing(xml)).toEqual({ names: ['runs/a', '007', '1e3', '0x10', 'true', 'b c', '50%'] });
});

test('a page that is not the last has the token of the next', () => {
  const xml = page('<IsTruncated>true</IsTruncated><NextContinuationToken>12&amp;&#34;</NextContinuationToken>');
  expect(parseListing(xml)).toEqual({ names: [], next: '12&"' });
  expect(
    parseListing(page('<IsTruncated>false</IsTruncated><NextContinuationToken>x</NextContinuationToken>')),
  ).toEqual({
    names: [],
  });
});

test('other texts are not a listing', () => {
  expect(parseListing('<html><Key>a</Key></html>')).toBeUndefined();
});

test('the parts of a query are encoded and sorted', () => {
  expect(listingQuery('runs/a', 1000, undefined)).toBe('encoding-type=url&list-type=2&max-keys=1000&prefix=runs%2Fa');
  expect(listingQuery('', 5, 'x=')).toBe('continuation-token=x%3D&encoding-type=url&list-type=2&max-keys=5&prefix=');
});
