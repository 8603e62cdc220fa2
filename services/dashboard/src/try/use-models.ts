import { useEffect, useState } from 'preact/hooks';
import { anchorMoves } from './anchor-moves.js';
import { type AskedModel, anchorOf, askedModels } from './asked-models.js';
import { factsOf, InferenceError, listModels, type ModelFacts, type ModelVersion } from './inference.js';

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
export interface Models {
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

export function problemText(error: unknown): string {
  if (error instanceof InferenceError) return error.message;
  return error instanceof Error ? error.message : String(error);
}
