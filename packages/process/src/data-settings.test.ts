import { AdmissionLimits } from '@trikd/core/spec/admission';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type AdmissionConfig, admissionOf, dataSettings } from './data-settings.js';

const config = (changes: Partial<AdmissionConfig>): AdmissionConfig => ({
  listen: '127.0.0.1:50052',
  admission: AdmissionLimits.parse({}),
  datasets: {},
  weights: {},
  ...changes,
});
const registered = { mnist: { folder: '/data/mnist' } };

describe('a spec may name a folder by its path', () => {
  test.each(['127.0.0.1:0', 'localhost:50052', '[::1]:50052', 'unix:/run/trikd.sock'])(
    'where only this machine can connect, in plain text: %s',
    (listen) => {
      expect(admissionOf(config({ listen })).data).toEqual({ paths: true });
    },
  );

  test('where the configuration allows it', () => {
    const allowed = config({ listen: '0.0.0.0:50052', tls: {}, datasets: registered, dataPaths: 'allowed' });
    expect(admissionOf(allowed).data).toEqual({ paths: true, names: ['mnist'] });
  });
});

describe('a spec may name no path by default', () => {
  test.each([
    ['where other machines can connect', { listen: '0.0.0.0:50052' }],
    ['with TLS, whose clients are others', { tls: {} }],
    ['once a dataset is registered', { datasets: registered }],
    ['where the configuration refuses it', { dataPaths: 'refused' }],
  ] as const)('%s', (_where, changes) => {
    expect(admissionOf(config(changes)).data.paths).toBe(false);
  });
});

test('a dataset is registered under a name of lower-case letters, digits and dashes', () => {
  const schema = z.strictObject(dataSettings);
  expect(schema.parse({ datasets: registered }).datasets).toEqual(registered);
  expect(schema.safeParse({ datasets: { '../etc': { folder: '/' } } }).success).toBe(false);
});

test('no module is run but from a folder that the configuration names', () => {
  expect(admissionOf(config({})).modules).toBe(false);
  expect(admissionOf(config({ modules: '/srv/modules' })).modules).toBe(true);
});
