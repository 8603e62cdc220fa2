import { mainSettings, specOf } from './configuration-of.js';
import { Fact } from './fact.js';
import { Scroll } from './scroll.js';

/** The spec of a run, collapsed: the settings that runs are compared by, and all of it, for starting the same run again. */
export function Configuration({ spec }: { readonly spec: string }) {
  const known = specOf(spec);
  if (known === undefined) return null;
  return (
    <details class="panel configuration">
      <summary>Configuration</summary>
      <dl class="facts">
        {mainSettings(spec).map(({ name, value }) => (
          <Fact key={name} name={name}>
            {value}
          </Fact>
        ))}
      </dl>
      <Scroll label="the whole spec">
        <pre>{JSON.stringify(known, undefined, 2)}</pre>
      </Scroll>
    </details>
  );
}
