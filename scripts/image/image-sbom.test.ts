import { expect, test } from 'vitest';
import type { Component, Sbom } from '../sbom.ts';
import { type Contents, imageSbom } from './image-sbom.ts';

const library = (purl: string, name: string): Component => ({
  ...{ 'bom-ref': purl, type: 'library', name, version: '1', purl },
});
const shipped = library('pkg:npm/%40own/a@1', '@own/a');
const tool = library('pkg:npm/tool@1', 'tool');
const wheel = library('pkg:pypi/tensorflow-cpu@1', 'tensorflow-cpu');
/** As npm writes it: each time another number and another time. */
const project = (serialNumber: string): Sbom => ({
  ...{ bomFormat: 'CycloneDX', specVersion: '1.5', serialNumber, components: [shipped, tool, wheel] },
  metadata: { component: library('pkg:npm/trikd@1', 'trikd'), ...{ timestamp: serialNumber } },
  dependencies: [{ ref: shipped['bom-ref'], dependsOn: [tool['bom-ref'], wheel['bom-ref']] }, { ref: tool['bom-ref'] }],
});
const libc = { name: 'libc6', version: '2.36-9+deb12u14', architecture: 'amd64', status: '', copyright: '' };
const contents: Contents = {
  ...{ npm: ['@own/a@1'], wheels: ['tensorflow-cpu'], system: [libc], distribution: 'debian-12' },
};

test('the list of an image has what it contains, and no reference to what it does not', () => {
  const { components, dependencies } = imageSbom(project('one'), contents);
  const system = 'pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64&distro=debian-12';
  expect(components.map(({ purl }) => purl)).toEqual([shipped.purl, wheel.purl, system]);
  expect(dependencies).toEqual([
    { ref: shipped['bom-ref'], dependsOn: [wheel['bom-ref']] },
    { ref: system, dependsOn: [] },
  ]);
});

test('the list is the same for the same contents, and has another number for others', () => {
  const list = imageSbom(project('one'), contents);
  expect(imageSbom(project('two'), contents)).toEqual(list);
  expect(list.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  expect(imageSbom(project('one'), { ...contents, npm: [] }).serialNumber).not.toBe(list.serialNumber);
});
