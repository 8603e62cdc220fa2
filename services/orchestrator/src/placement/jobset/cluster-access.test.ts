import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { accessFromKubeconfig, accessFromPod } from './cluster-access.js';
import { readTemplates } from './open.js';
import { TEMPLATE } from './testing/template.js';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A folder with files. */
function folderOf(files: Readonly<Record<string, unknown>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'access-'));
  folders.push(folder);
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  return folder;
}

const kubeconfig = (user: object, cluster: object = {}) => ({
  'current-context': 'here',
  contexts: [
    { name: 'here', context: { cluster: 'c', user: 'u', namespace: 'x' } },
    { name: 'there', context: { cluster: 'c', user: 'nobody' } },
  ],
  clusters: [{ name: 'c', cluster: { server: 'https://10.0.0.1:6443', ...cluster } }],
  users: [{ name: 'u', user }],
});

test('a pod reads its token again for each request', () => {
  const folder = folderOf({ 'ca.crt': 'the CA', token: 'first\n' });
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
  const { server, credentials } = accessFromPod(env, folder);
  expect(server.href).toBe('https://[fd00::1]/');
  expect(credentials()).toEqual({ ca: 'the CA', token: 'first' });
  writeFileSync(join(folder, 'token'), 'second');
  expect(credentials().token).toBe('second');
});

test('outside of a pod the setting is named that chooses another cluster', () => {
  expect(() => accessFromPod({})).toThrow('set placement.kubernetes.kubeconfig');
});

test('a kubeconfig gives server, certificates and token, from its own folder or from itself', () => {
  const data = Buffer.from('the key').toString('base64');
  const user = { 'client-certificate': 'user.crt', 'client-key-data': data, token: 't' };
  const cluster = { 'certificate-authority': 'ca.crt', 'tls-server-name': 'kubernetes' };
  const folder = folderOf({ 'ca.crt': 'the CA', 'user.crt': 'the certificate', config: kubeconfig(user, cluster) });
  const { server, credentials } = accessFromKubeconfig(join(folder, 'config'));
  expect(server.host).toBe('10.0.0.1:6443');
  expect(credentials()).toEqual({
    ...{ ca: 'the CA', cert: 'the certificate', key: 'the key', token: 't', servername: 'kubernetes' },
  });
});

test.each([
  ['plugins are not run', kubeconfig({ exec: { command: 'aws' } }), undefined],
  ['without a verified certificate', kubeconfig({}, { 'insecure-skip-tls-verify': true }), undefined],
  ['has no context elsewhere', kubeconfig({}), 'elsewhere'],
  ['has no user nobody', kubeconfig({}), 'there'],
])('a kubeconfig that cannot be used is refused: %s', (message, config, context) => {
  const folder = folderOf({ config });
  expect(() => accessFromKubeconfig(join(folder, 'config'), context)).toThrow(message);
});

test('each file of a mounted ConfigMap is the template of a class, and nothing else in it is', () => {
  const folder = folderOf({ 'cpu.yaml': TEMPLATE, 'gpu.yaml': TEMPLATE, '..data.yaml': 'x', 'README.md': 'x' });
  expect([...readTemplates(folder).keys()]).toEqual(['cpu', 'gpu']);
});

test('templates that cannot be used are refused by what is wrong', () => {
  expect(() => readTemplates(folderOf({}))).toThrow('has no file <class>.yaml');
  expect(() => readTemplates('/nowhere')).toThrow('cannot read /nowhere');
  expect(() => readTemplates(folderOf({ 'gpu.yaml': { kind: 'Job' } }))).toThrow('class gpu');
});
