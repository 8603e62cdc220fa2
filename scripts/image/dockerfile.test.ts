import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { finalStage } from './dockerfile.ts';
import { LAYERS } from './layers.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const dockerfile = read('Dockerfile');

describe('the final stage of a Dockerfile', () => {
  const text = `
FROM debian AS build
RUN make

FROM scratch AS settings
ARG VERSION=1
# A comment between lines
ENV A=1 \\
    B="two words"
LABEL version="\${VERSION}"

FROM settings AS last
USER 5:6
COPY --from=build --chown=5:6 /out/home/ /home`;

  test('is read with the stages that it is built on, and not with those that it copies from', () => {
    expect(finalStage(text, 'last', { VERSION: '2' })).toEqual({
      config: {
        Env: ['A=1', 'B=two words'],
        User: '5:6',
        WorkingDir: '/',
        Entrypoint: [],
        ExposedPorts: {},
        Labels: { version: '2' },
      },
      copies: [{ source: '/out/home', target: '/home', owner: '5:6' }],
    });
  });

  test('that needs a daemon is refused', () => {
    expect(() => finalStage('FROM scratch AS a\nRUN true', 'a')).toThrow('the stage a has RUN, which needs a daemon');
    expect(() => finalStage('FROM scratch AS a\nCOPY . /app', 'a')).toThrow('expected COPY --from=STAGE');
    expect(() => finalStage(text, 'gone')).toThrow('the Dockerfile has no stage gone');
  });
});

describe.each(['cpu', 'cuda'])('the image %s', (target) => {
  const { config, copies } = finalStage(dockerfile, target);

  test('runs the command as a user without rights', () => {
    expect(config).toMatchObject({
      User: '65532:65532',
      WorkingDir: '/app',
      Entrypoint: ['/usr/local/bin/node', '/app/services/cli/dist/main.js'],
    });
    expect(config.Env).toEqual(expect.arrayContaining(['MALLOC_ARENA_MAX=2', 'NODE_OPTIONS=--max-semi-space-size=8']));
  });

  test('has every layer that is assembled, and only the home folder belongs to its user', () => {
    expect(copies.map(({ source }) => source)).toEqual(LAYERS.map((name) => `/image/${name}`));
    expect(copies.filter(({ owner }) => owner !== '0:0').map(({ target }) => target)).toEqual(['/var/lib/trikd']);
  });

  test('is assembled by the same target of the Makefile as the image without a daemon', () => {
    const flavour = target === 'cuda' ? 'gpu' : 'cpu';
    expect(dockerfile).toContain(`make imagelayers TENSORFLOW=${flavour} LAYERS=/image`);
    expect(read('Makefile')).toMatch(/^image: imagelayers /m);
  });
});

test('every label has a value', () => {
  const { Labels } = finalStage(dockerfile, 'cpu', { REVISION: 'abc' }).config;
  expect(Labels['org.opencontainers.image.revision']).toBe('abc');
  expect(Object.values(Labels).filter((value) => value === '' || value.includes('$'))).toEqual([]);
});
