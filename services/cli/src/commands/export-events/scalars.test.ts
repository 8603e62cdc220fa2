import { describe, expect, test } from 'vitest';
import { crc32c, maskedCrc32c } from './scalars.js';

describe('crc32c', () => {
  test.each([
    ['32 bytes of 0', new Uint8Array(32), 0x8a9136aa],
    ['32 bytes of 255', new Uint8Array(32).fill(255), 0x62a8ab43],
    ['32 bytes that count up', Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
    ['32 bytes that count down', Uint8Array.from({ length: 32 }, (_, index) => 31 - index), 0x113fdb5c],
  ])('has the value of RFC 3720 for %s', (_, bytes, crc) => {
    expect(crc32c(bytes)).toBe(crc);
  });

  test('is masked by a rotation and a constant', () => {
    // 0x8a9136aa rotated right by 15 is 0x6d551522.
    expect(maskedCrc32c(new Uint8Array(32))).toBe((0x6d551522 + 0xa282ead8) % 2 ** 32);
  });
});
