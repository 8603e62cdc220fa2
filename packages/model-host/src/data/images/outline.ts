import { TrikdError } from '@trikd/core/domain/errors';

/** What the header of a picture says of it. */
export interface Outline {
  readonly height: number;
  readonly width: number;
}

/** Pixels of a picture, and of one of its sides, at most. A JPEG file of so many takes about 400 MB while it is decoded. */
const MOST_PIXELS = 16 * 1024 ** 2;
const LONGEST_SIDE = 16_384;

/** Checks the size of a picture before anything is allocated for it. @throws TrikdError 'invalid' */
export function assertDecodable({ height, width }: Outline): void {
  if (height === 0 || width === 0) throw damaged(`its header says ${height}x${width} pixels`);
  if (height * width <= MOST_PIXELS && Math.max(height, width) <= LONGEST_SIDE) return;
  const most = `at most ${MOST_PIXELS} pixels and ${LONGEST_SIDE} on a side are read`;
  throw damaged(`its header says ${height}x${width} pixels, and ${most}`);
}

/** The error of one picture; its file is added where it is read. */
export function damaged(problem: string): TrikdError {
  return new TrikdError('invalid', problem);
}
