import { useId, useState } from 'preact/hooks';
import { api } from '../api.js';

interface TagsProps {
  readonly tags: readonly string[];
  /** The address that a tag leads to. */
  readonly addressOf: (tag: string) => string;
}

/** Tags, each a link to the runs that have it. */
export function Tags({ tags, addressOf }: TagsProps) {
  if (tags.length === 0) return null;
  return (
    <ul class="tags" aria-label="Tags">
      {tags.map((tag) => (
        <li key={tag}>
          <a class="tag" href={addressOf(tag)}>
            {tag}
          </a>
        </li>
      ))}
    </ul>
  );
}

interface TagEditorProps extends TagsProps {
  readonly runId: string;
  /** Called when the tags were changed. */
  readonly done: () => void;
}

/** The tags of a run, with a button to remove each and a field to add others. */
export function TagEditor({ runId, tags, addressOf, done }: TagEditorProps) {
  const [text, setText] = useState('');
  const [problem, setProblem] = useState('');
  const id = useId();
  const change = async (what: { readonly add?: readonly string[]; readonly remove?: readonly string[] }) => {
    setProblem('');
    try {
      await api('POST', `/runs/${encodeURIComponent(runId)}:tag`, what);
      done();
      return true;
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      return false;
    }
  };
  const add = async (event: Event) => {
    event.preventDefault();
    const words = text.split(/[\s,]+/).filter(Boolean);
    if (words.length > 0 && (await change({ add: words }))) setText('');
  };
  return (
    <div class="tag-editor">
      <ul class="tags" aria-label="Tags">
        {tags.map((tag) => (
          <li key={tag} class="tag">
            <a href={addressOf(tag)}>{tag}</a>
            <button type="button" aria-label={`Remove the tag ${tag}`} onClick={() => void change({ remove: [tag] })}>
              ×
            </button>
          </li>
        ))}
      </ul>
      <form onSubmit={(event) => void add(event)}>
        <label class="visually-hidden" for={id}>
          Tags to add
        </label>
        <input
          id={id}
          type="text"
          autocomplete="off"
          placeholder="add tags"
          value={text}
          aria-invalid={problem !== ''}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit" class="small" disabled={text.trim() === ''}>
          Add
        </button>
      </form>
      {problem !== '' && (
        <p class="notice bad" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}
