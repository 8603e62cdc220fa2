import { expect, test } from 'vitest';
import { isAllowedProducer, isProducerAddress } from './producer-address.js';

test.each(['teacher:50052', '127.0.0.1:1', '[::1]:65535', 'run-7-student-0.run-7.trikd.svc.cluster.local:50053'])(
  '%s is the address of a producer',
  (address) => {
    expect(isProducerAddress(address)).toBe(true);
  },
);

test.each([
  'unix:/run/docker.sock',
  'unix:///run/docker.sock:80',
  'unix-abstract:name:1',
  'dns:teacher:53',
  'dns:///teacher:50052',
  'dns://10.0.0.1/teacher:50052',
  'ipv4:10.0.0.1:80,10.0.0.2:80',
  'xds:///teacher:1',
  'http://teacher:80',
  'teacher',
  'teacher:',
  ':50052',
  'teacher:0',
  'teacher:65536',
  'teacher:050052',
  'teacher:5 0',
  'teach\ner:50052',
  'teach\u001b[31mer:50052',
  'teacher:50052\n',
  'user@teacher:50052',
  '../teacher:50052',
  '-teacher:50052',
  `${'a'.repeat(260)}:1`,
])('%j is none', (address) => {
  expect(isProducerAddress(address)).toBe(false);
});

test('a list of addresses allows a host, or all hosts of a domain', () => {
  const allowed = ['teacher:50052', '*.trikd.svc:50053'];
  expect(isAllowedProducer('teacher:50052', allowed)).toBe(true);
  expect(isAllowedProducer('a.b.trikd.svc:50053', allowed)).toBe(true);
  expect(isAllowedProducer('teacher:50053', allowed)).toBe(false);
  expect(isAllowedProducer('trikd.svc:50053', allowed)).toBe(false);
  expect(isAllowedProducer('eviltrikd.svc:50053', allowed)).toBe(false);
});
