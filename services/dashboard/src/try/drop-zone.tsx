import { useEffect, useId, useState } from 'preact/hooks';

/** Takes an image: chosen, dropped, or pasted. */
export function DropZone({ take }: { readonly take: (file: File) => void }) {
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
