/** Writes an image as a file that `docker load`, `ctr images import`, `podman load`, `skopeo` and `crane push` read. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { FinalStage, LayerCopy } from './dockerfile.ts';
import { settle } from './files.ts';

const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';

/** What an image is called, and when it was made. */
export interface ImageFacts {
  /** name:tag */
  readonly reference: string;
  /** ISO time; the same for the same commit. */
  readonly created: string;
}

/** A layer as it was written. */
export interface WrittenLayer {
  readonly file: string;
  /** Of the compressed file, hexadecimal. */
  readonly digest: string;
  /** Of the uncompressed one. */
  readonly diffId: string;
  /** Bytes, compressed and not. */
  readonly size: number;
  readonly unpacked: number;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/**
 * @param layers folder with one folder for each layer
 * @param file the archive to write; compressed layers are kept beside it
 * @returns the layers, in the order of the image, and the digest of its manifest
 */
export async function writeArchive(
  layers: string,
  { config, copies }: FinalStage,
  { reference, created }: ImageFacts,
  file: string,
): Promise<{ readonly layers: readonly WrittenLayer[]; readonly digest: string }> {
  const layout = `${file}.layout`;
  const blobs = join(layout, 'blobs/sha256');
  rmSync(layout, { recursive: true, force: true });
  mkdirSync(blobs, { recursive: true });
  const written: WrittenLayer[] = [];
  for (const copy of copies) {
    const layer = await writeLayer(join(layers, basename(copy.source)), copy, `${file}.layers`);
    linkSync(layer.file, join(blobs, layer.digest));
    written.push(layer);
  }
  const configuration = writeBlob(blobs, CONFIG, {
    created,
    architecture: 'amd64',
    os: 'linux',
    config,
    rootfs: { type: 'layers', diff_ids: written.map(({ diffId }) => `sha256:${diffId}`) },
    history: copies.map(({ source }) => ({ created, created_by: `COPY ${basename(source)}` })),
  });
  const manifest = writeBlob(blobs, MANIFEST, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: configuration,
    layers: written.map(({ digest, size }) => ({ mediaType: LAYER, digest: `sha256:${digest}`, size })),
    annotations: config.Labels,
  });
  const put = (name: string, value: unknown) => writeFileSync(join(layout, name), JSON.stringify(value));
  const tag = reference.slice(reference.lastIndexOf(':') + 1);
  const annotations = { 'io.containerd.image.name': reference, 'org.opencontainers.image.ref.name': tag };
  put('oci-layout', { imageLayoutVersion: '1.0.0' });
  put('index.json', { schemaVersion: 2, manifests: [{ ...manifest, annotations }] });
  // For `docker load` before version 25, which knows no OCI layout.
  const pathOf = (digest: string) => `blobs/sha256/${digest.replace('sha256:', '')}`;
  put('manifest.json', [
    {
      Config: pathOf(configuration.digest),
      RepoTags: [reference],
      Layers: written.map(({ digest }) => pathOf(digest)),
    },
  ]);
  settle(layout);
  const { stream, ended } = tar(layout, '0:0');
  await Promise.all([pipeline(stream, createWriteStream(`${file}.partial`)), ended]);
  renameSync(`${file}.partial`, file);
  rmSync(layout, { recursive: true });
  return { layers: written, digest: manifest.digest };
}

/** The content of a folder as tar, the same for the same content. @param owner uid:gid @param target folder in the image */
function tar(
  folder: string,
  owner: string,
  target = '/',
): { readonly stream: Readable; readonly ended: Promise<void> } {
  const [uid, gid] = owner.split(':');
  const args = ['--create', '--file=-', '--format=gnu', '--sort=name', '--mtime=@0', '--hard-dereference'];
  const owners = ['--numeric-owner', `--owner=${uid}`, `--group=${gid}`];
  const moved = target === '/' ? [] : [`--transform=flags=r;s,^\\.,.${target},`];
  const child = spawn('tar', [...args, ...owners, ...moved, `--directory=${folder}`, '.'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close').then(([status]) => {
    if (status !== 0) throw new Error(`tar of ${folder} ended with status ${status}`);
  });
  return { stream: child.stdout, ended };
}

/** Compressing TensorFlow takes half a minute, so a compressed layer is kept under the digest of what it has. */
async function writeLayer(folder: string, { target, owner }: LayerCopy, kept: string): Promise<WrittenLayer> {
  mkdirSync(kept, { recursive: true });
  const plain = tar(folder, owner, target);
  const [{ digest: diffId, size: unpacked }] = await Promise.all([digestOf(plain.stream), plain.ended]);
  const file = join(kept, `${diffId}.gz`);
  if (!existsSync(file)) {
    const { stream, ended } = tar(folder, owner, target);
    await Promise.all([pipeline(stream, createGzip(), createWriteStream(`${file}.partial`)), ended]);
    renameSync(`${file}.partial`, file);
  }
  return { file, diffId, unpacked, ...(await digestOf(createReadStream(file))) };
}

async function digestOf(stream: Readable): Promise<{ readonly digest: string; readonly size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of stream) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { digest: hash.digest('hex'), size };
}

function writeBlob(folder: string, mediaType: string, value: unknown): Descriptor {
  const text = JSON.stringify(value);
  const digest = createHash('sha256').update(text).digest('hex');
  writeFileSync(join(folder, digest), text);
  return { mediaType, digest: `sha256:${digest}`, size: Buffer.byteLength(text) };
}
