import { describe, expect, test } from 'vitest';
import { hub } from './hub.js';

const never = new AbortController().signal;

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const item of items) seen.push(item);
  return seen;
}

describe('hub', () => {
  test('tells every follower what comes after it has begun to follow, in order, until the end', async () => {
    const story = hub<number>();
    const early = story.follow(never);
    story.publish(1);
    const late = story.follow(never);
    story.publish(2);
    story.end();
    expect(await Promise.all([all(early), all(late), all(story.follow(never))])).toEqual([[1, 2], [2], []]);
  });

  test('tells every follower of a failure, after what came before it', async () => {
    const story = hub<number>();
    const follower = story.follow(never)[Symbol.asyncIterator]();
    story.publish(1);
    story.end(new Error('the store is gone'));
    expect(await follower.next()).toMatchObject({ value: 1 });
    await expect(follower.next()).rejects.toThrow('the store is gone');
  });

  test('lets one follower go without the others', async () => {
    const story = hub<number>();
    const leaving = new AbortController();
    const gone = all(story.follow(leaving.signal));
    const staying = all(story.follow(never));
    story.publish(1);
    leaving.abort();
    story.publish(2);
    story.end();
    expect(await Promise.all([gone, staying])).toEqual([[1], [1, 2]]);
  });

  test('gives up a follower that does not read', async () => {
    const story = hub<number>();
    const idle = story.follow(never);
    for (let item = 0; item < 20_000; item++) story.publish(item);
    await expect(all(idle)).rejects.toThrow('20000 events were not read');
  });
});
