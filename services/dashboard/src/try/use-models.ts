import type { Picture } from '@trikd/core/data/pixels';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Answer } from './answer-card.js';
import { type AskedModel, anchorMoves, anchorOf, askedModels } from './asked-models.js';
import {
  factsOf,
  InferenceError,
  infer,
  listModels,
  type ModelFacts,
  type ModelOutput,
  type ModelVersion,
} from './inference.js';

/** What a server serves, as far as the page has read it. */
export interface Catalogue {
  readonly index?: readonly ModelVersion[];
  readonly problem?: string;
}

/** Reads the models of the server. */
export function useCatalogue(): Catalogue {
  const [catalogue, setCatalogue] = useState<Catalogue>({});
  useEffect(() => {
    listModels().then(
      (index) => setCatalogue({ index }),
      (error: unknown) => setCatalogue({ problem: problemText(error) }),
    );
  }, []);
  return catalogue;
}

/** The models of one run that are asked. */
interface Models {
  /** Of the student. */
  readonly facts?: ModelFacts;
  readonly asked: readonly AskedModel[];
  readonly problem?: string;
}

const NONE: Models = { asked: [] };

/** Reads what a version of a run's student takes. @param version empty: the current one */
export function useModels(index: readonly ModelVersion[], run: string, version: string): Models {
  const [models, setModels] = useState<Models>(NONE);
  useEffect(() => {
    let left = false;
    setModels(NONE);
    if (run === '') return;
    const read = async (): Promise<Models> => {
      const [facts, moves] = await Promise.all([factsOf(run, version), anchorMoves(run)]);
      const used = Number(facts.version);
      return { facts, asked: askedModels(index, run, used, anchorOf(moves, used)) };
    };
    void read()
      .catch((error: unknown): Models => ({ asked: [], problem: problemText(error) }))
      .then((read) => left || setModels(read));
    return () => {
      left = true;
    };
  }, [index, run, version]);
  return models;
}

function problemText(error: unknown): string {
  if (error instanceof InferenceError) return error.message;
  return error instanceof Error ? error.message : String(error);
}

/** Asks each model for its output, one after another, so that none slows down another's answer. */
export function useAnswers({ facts, asked }: Models, pixels: Uint8Array | undefined): readonly Answer[] {
  const [answers, setAnswers] = useState<readonly Answer[]>([]);
  const last = useRef<ReadonlyMap<string, ModelOutput>>(new Map());
  useEffect(() => {
    const left = new AbortController();
    setAnswers(asked.map((each) => ({ asked: each })));
    if (facts && pixels) void ask(facts, pixels, left.signal);
    return () => left.abort();

    async function ask({ shape }: ModelFacts, image: Uint8Array, signal: AbortSignal): Promise<void> {
      const before = last.current;
      const outputs = new Map<string, ModelOutput>();
      for (const [at, each] of asked.entries()) {
        const key = `${each.model} ${each.version}`;
        const earlier = before.get(key);
        const answer = await infer(each, shape, image, signal).then(
          (output): Answer => ({ asked: each, output, ...(earlier && { before: earlier }) }),
          (error: unknown): Answer => ({ asked: each, problem: problemText(error) }),
        );
        if (signal.aborted) return;
        if (answer.output) outputs.set(key, answer.output);
        setAnswers((all) => all.with(at, answer));
      }
      last.current = outputs;
    }
  }, [facts, asked, pixels]);
  return answers;
}

/** Bytes of a file, and pixels in it, at most: of a photo, with room to spare. */
const MOST_BYTES = 32 * 1024 * 1024;
const MOST_PIXELS = 64_000_000;

/** Decodes an image with the browser's decoders. @throws Error with a sentence for people */
export async function readPicture(file: Blob): Promise<Picture> {
  if (file.size > MOST_BYTES) throw new Error(`The file is larger than ${MOST_BYTES / 1024 / 1024} MiB.`);
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: 'none' }).catch(() => undefined);
  if (!bitmap) throw new Error('This is no image that the browser can read: try a PNG or JPEG file.');
  const { height, width } = bitmap;
  try {
    if (height * width > MOST_PIXELS) throw new Error(`The image has more than ${MOST_PIXELS / 1e6} million pixels.`);
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { height, width });
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('The browser has no memory for this image.');
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    return { height, width, rgba: new Uint8Array(data.buffer) };
  } finally {
    bitmap.close();
  }
}
