import { crc32, deflateRawSync } from 'node:zlib';

/** An array in the format of NumPy. @param type such as `|u1` or `<i8` */
export function npyFile(type: string, shape: readonly number[], content: Uint8Array): Buffer {
  const sizes = shape.map((size) => `${size},`).join(' ');
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const header = Buffer.from(`${text.padEnd(117)}\n`);
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  return Buffer.concat([Buffer.from([0x93]), Buffer.from('NUMPY'), Buffer.of(1, 0), length, header, content]);
}

/** What the list of an archive says of a member, which may be wrong. */
export interface ZipClaims {
  readonly unpacked?: number;
  readonly checksum?: number;
  readonly method?: number;
  readonly flags?: number;
}

/** A zip archive. */
export function zipFile(members: Readonly<Record<string, Uint8Array>>, claims: ZipClaims = {}): Buffer {
  const local: Buffer[] = [];
  const list: Buffer[] = [];
  let at = 0;
  for (const [name, content] of Object.entries(members)) {
    const packed = deflateRawSync(content);
    const { unpacked = content.length, checksum = crc32(content), method = 8, flags = 0 } = claims;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20);
    common.writeUInt16LE(flags, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(checksum, 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(unpacked, 18);
    common.writeUInt16LE(name.length, 22);
    const start = Buffer.alloc(4);
    start.writeUInt32LE(at);
    const own = Buffer.concat([Buffer.from('PK\u0003\u0004'), common, Buffer.from(name), packed]);
    list.push(
      Buffer.concat([Buffer.from('PK\u0001\u0002\u0014\u0000'), common, Buffer.alloc(10), start, Buffer.from(name)]),
    );
    local.push(own);
    at += own.length;
  }
  const listed = Buffer.concat(list);
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006');
  end.writeUInt16LE(list.length, 8);
  end.writeUInt16LE(list.length, 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...local, listed, end]);
}
