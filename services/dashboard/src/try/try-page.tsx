import type { Picture } from '@trikd/core/data/pixels';
import { useCallback, useEffect, useId, useMemo, useRef, useState } from 'preact/hooks';
import { addressOf } from '../address.js';
import { sentence } from '../format.js';
import { AnswerCard } from './answer-card.js';
import { agreementText, topGuesses } from './answers.js';
import { runsIn, versionsOf } from './asked-models.js';
import type { ModelVersion } from './inference.js';
import { modelImage, shownPixels } from './model-image.js';
import { readPicture, useAnswers, useCatalogue, useModels } from './use-models.js';

/** The page to try the models of runs: an image in, the answers of student, teacher and anchor beside each other. */
export function TryPage() {
  const { index, problem } = useCatalogue();
  // A server of models has this page at its root, and no list of runs.
  const withRuns = window.location.pathname !== '/';
  return (
    <>
      <header class="top">
        <a class="brand" href="/">
          <img src="/icon.svg" alt="" width="24" height="24" />
          trikd
        </a>
        <nav aria-label="Pages">
          {withRuns && <a href="/">Runs</a>}
          <a href={window.location.pathname} aria-current="page">
            Try a model
          </a>
        </nav>
      </header>
      <main>
        <h1>Try a model</h1>
        {problem !== undefined && (
          <div class="notice bad" role="alert">
            <p>{sentence(`the models cannot be read: ${problem}`)}</p>
            <p>
              <code>trikd serve RUN</code> serves the models of a run, and this page with them.
            </p>
          </div>
        )}
        {!index && problem === undefined && <p class="empty">Loading the models…</p>}
        {index && runsIn(index).length === 0 && <p class="empty">No run has a model yet: its first stage must end.</p>}
        {index && runsIn(index).length > 0 && <Trial index={index} withRuns={withRuns} />}
      </main>
    </>
  );
}

interface TrialProps {
  readonly index: readonly ModelVersion[];
  readonly withRuns: boolean;
}

function Trial({ index, withRuns }: TrialProps) {
  const runs = runsIn(index);
  const [run, setRun] = useState(() => runInHash(runs) ?? runs[0] ?? '');
  const [version, setVersion] = useState('');
  const [inverted, setInverted] = useState(false);
  const [picture, setPicture] = useState<Picture>();
  const [unreadable, setUnreadable] = useState('');
  const models = useModels(index, run, version);
  const { facts } = models;
  const pixels = useMemo(
    () => picture && facts && modelImage(picture, facts.shape, inverted),
    [picture, facts, inverted],
  );
  const answers = useAnswers(models, pixels);
  useEffect(() => {
    window.history.replaceState(undefined, '', `#${encodeURIComponent(run)}`);
  }, [run]);
  const take = useCallback((file: File) => {
    setUnreadable('');
    readPicture(file).then(setPicture, (error: unknown) => {
      setUnreadable(error instanceof Error ? error.message : String(error));
    });
  }, []);

  const complete = answers.length > 0 && answers.every(({ output, problem }) => output || problem !== undefined);
  const firsts = answers.flatMap(({ asked, output }) => {
    const [guess] = output && facts?.output === 'logits' ? topGuesses(output.values, facts.classes) : [];
    return guess ? [{ title: `${asked.title}`, guess: guess.name }] : [];
  });
  return (
    <>
      <div class="trial-models">
        <label>
          Run{' '}
          <select
            value={run}
            onChange={(event) => {
              setRun(event.currentTarget.value);
              setVersion('');
            }}
          >
            {runs.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          Version{' '}
          <select value={version} onChange={(event) => setVersion(event.currentTarget.value)}>
            <option value="">current</option>
            {versionsOf(index, run).map((each) => (
              <option key={each} value={String(each)}>
                {each}
              </option>
            ))}
          </select>
        </label>
        <label>
          <input type="checkbox" checked={inverted} onChange={(event) => setInverted(event.currentTarget.checked)} />{' '}
          Invert the image
        </label>
        {withRuns && <a href={`/${addressOf(run)}`}>Open the run</a>}
      </div>
      {models.problem !== undefined && (
        <p class="notice bad" role="alert">
          {sentence(models.problem)}
        </p>
      )}
      <DropZone take={take} />
      {unreadable !== '' && (
        <p class="notice bad" role="alert">
          {unreadable}
        </p>
      )}
      {picture && (
        <div class="trial-images">
          <PixelView label="Your image" {...picture} rgba={Uint8ClampedArray.from(picture.rgba)} />
          {pixels && facts && (
            <PixelView label="What the models see" {...facts.shape} rgba={shownPixels(pixels, facts.shape.channels)} />
          )}
        </div>
      )}
      <p class="agreement" role="status">
        {complete && pixels ? sentence(agreementText(firsts)) : ''}
      </p>
      {pixels && facts && (
        <div class="answers">
          {answers.map((answer) => (
            <AnswerCard key={`${answer.asked.title} ${answer.asked.model}`} answer={answer} facts={facts} />
          ))}
        </div>
      )}
    </>
  );
}

/** The run in the address of the page, if its models are served. */
function runInHash(runs: readonly string[]): string | undefined {
  const wanted = decodedHash();
  return runs.find((run) => run === wanted);
}

function decodedHash(): string {
  try {
    return decodeURIComponent(window.location.hash.slice(1));
  } catch {
    return '';
  }
}

/** Takes an image: chosen, dropped, or pasted. */
function DropZone({ take }: { readonly take: (file: File) => void }) {
  const [over, setOver] = useState(false);
  const id = useId();
  const first = (files: FileList | null | undefined) => {
    const file = files?.[0];
    if (file) take(file);
  };
  useEffect(() => {
    const paste = (event: ClipboardEvent) => first(event.clipboardData?.files);
    window.addEventListener('paste', paste);
    return () => window.removeEventListener('paste', paste);
  }, [take]);
  return (
    <label
      class={`drop${over ? ' over' : ''}`}
      for={id}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        first(event.dataTransfer?.files);
      }}
    >
      <input
        id={id}
        class="visually-hidden"
        type="file"
        accept="image/*"
        onChange={(event) => {
          first(event.currentTarget.files);
          // The same file again is a change too.
          event.currentTarget.value = '';
        }}
      />
      <strong>Choose an image</strong>, drop it here, or paste it
    </label>
  );
}

interface PixelViewProps {
  readonly label: string;
  readonly height: number;
  readonly width: number;
  /** height x width x 4, row by row. */
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** Pixels, with a caption. The page may load no images, but it can draw. */
function PixelView({ label, height, width, rgba }: PixelViewProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    canvas.current?.getContext('2d')?.putImageData(new ImageData(rgba, width, height), 0, 0);
  }, [rgba, height, width]);
  return (
    <figure>
      <canvas ref={canvas} height={height} width={width} role="img" aria-label={label} />
      <figcaption class="muted small">
        {label}, {width} × {height}
      </figcaption>
    </figure>
  );
}
