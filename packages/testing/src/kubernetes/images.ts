/** Images without a container runtime: a layer out of a tar file, pushed to the registry of the cluster. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { goTool } from '../servers/go-tool.js';
import { REGISTRY } from './addresses.js';
import type { Inhabitant, Namespaces } from './namespaces.js';

/** Starts the registry, which keeps its images in a folder. */
export function startRegistry(namespaces: Namespaces, folder: string): Inhabitant {
  const disk = join(folder, 'images');
  mkdirSync(disk, { recursive: true });
  return namespaces.start('registry', [goTool('crane'), 'registry', 'serve', '--address', REGISTRY, '--disk', disk]);
}

export interface ProgramImage {
  /** A program that needs no library. */
  readonly program: string;
  /** Its path in the image. */
  readonly file: string;
  /** NAME:TAG */
  readonly image: string;
  /** Its environment, each as NAME=VALUE. */
  readonly env?: readonly string[];
}

/** Pushes an image that holds one program and runs it, as a user without rights. */
export function pushProgram(
  { run }: Namespaces,
  folder: string,
  { program, file, image, env = [] }: ProgramImage,
): void {
  const scratch = mkdtempSync(join(folder, 'image-'));
  const layer = join(scratch, 'layer.tar');
  mkdirSync(dirname(join(scratch, file)), { recursive: true });
  copyFileSync(program, join(scratch, file));
  run('tar', '--create', '--file', layer, '--directory', scratch, '--owner=0', '--group=0', file);
  const [crane, target] = [goTool('crane'), `${REGISTRY}/${image}`];
  run(crane, 'append', '--oci-empty-base', '--new_layer', layer, '--new_tag', target);
  run(
    crane,
    'mutate',
    target,
    '--user',
    '65532:65532',
    '--entrypoint',
    `/${file}`,
    ...env.flatMap((each) => ['--env', each]),
    '--tag',
    target,
  );
  rmSync(scratch, { recursive: true });
}

/** Pushes an image out of an OCI archive. @param image NAME:TAG */
export function pushArchive({ run }: Namespaces, folder: string, archive: string, image: string): void {
  const layout = mkdtempSync(join(folder, 'image-'));
  run('tar', '--extract', '--file', archive, '--directory', layout);
  run(goTool('crane'), 'push', layout, `${REGISTRY}/${image}`);
  rmSync(layout, { recursive: true });
}
