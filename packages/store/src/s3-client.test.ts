import { expect, test } from 'vitest';
import { openS3Api } from './s3-client.js';
import { secret } from './store-config.js';

const api = openS3Api({
  endpoint: 'http://minio:9000',
  bucket: 'runs',
  region: 'us-east-1',
  accessKey: 'me',
  secretKey: secret('s'),
});

test('a store is called by its endpoint and bucket', () => {
  expect(api.place).toBe('http://minio:9000/runs');
});

test('an object that does not fit one request is refused before anything is sent', async () => {
  const bytes = new Uint8Array(5 * 1024 ** 3 + 1);
  await expect(api.put('a', bytes)).rejects.toMatchObject({
    kind: 'invalid',
    message: 'key a: 5368709121 bytes are more than the 5368709120 of one request',
  });
});
