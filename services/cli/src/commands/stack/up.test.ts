import { expect, test } from 'vitest';
import { stackJson, stackText } from './up.js';

const trio = (name: string, port: number) => ({
  name,
  anchor: `127.0.0.1:${port}`,
  teacher: `127.0.0.1:${port + 1}`,
  student: `127.0.0.1:${port + 2}`,
});
const facts = {
  trios: [trio('trio-1', 1001), trio('trio-2', 2001)],
  orchestrators: ['127.0.0.1:50050', '127.0.0.1:3000'],
  dashboard: 'http://127.0.0.1:8080',
  store: '/here/stack/store',
  logs: '/here/stack/logs',
};

test('a stack is announced by its addresses and the next command', () => {
  expect(stackText(facts, 4)).toBe(`orchestrator 127.0.0.1:50050, 127.0.0.1:3000
dashboard    http://127.0.0.1:8080
trio-1       anchor 127.0.0.1:1001, teacher 127.0.0.1:1002, student 127.0.0.1:1003
trio-2       anchor 127.0.0.1:2001, teacher 127.0.0.1:2002, student 127.0.0.1:2003
store        /here/stack/store
logs         /here/stack/logs
next         trikd run examples/tiny.yaml --server 127.0.0.1:50050 --no-wait`);
});

test('a stack with certificates is used with one of them', () => {
  expect(stackText({ ...facts, credentials: '--ca a --cert b --key c' }, 4)).toMatch(
    /^next +trikd run examples\/tiny\.yaml --server 127\.0\.0\.1:50050 --ca a --cert b --key c --no-wait$/m,
  );
});

test('more models than processors are worth a note', () => {
  expect(stackText(facts, 3)).toMatch(/^note +4 models train at once on 3 processors: each run is slower/m);
  expect(stackText(facts, 1)).toMatch(/ on 1 processor:/);
});

test('programs get the same facts as a line of JSON', () => {
  expect(JSON.parse(stackJson(facts))).toEqual({ event: 'listening', ...facts });
});
