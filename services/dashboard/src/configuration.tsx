import { mainSettings, specOf } from './configuration-of.js';
import { Fact } from './fact.js';
import { Scroll } from './scroll.js';

/** The settings that runs are compared by, and the whole spec, collapsed. */
export function Configuration({ spec }: { readonly spec: string }) {
  const known = specOf(spec);
  if (known === undefined) return null;
  return (
    <section class="panel configuration" aria-labelledby="configuration">
      <h2 id="configuration">Configuration</h2>
      <dl class="facts">
        {mainSettings(spec).map(({ name, value }) => (
          <Fact key={name} name={name}>
            {value}
          </Fact>
        ))}
      </dl>
      <details>
        <summary>The whole spec</summary>
        <Scroll label="the whole spec">
          <pre>{JSON.stringify(known, undefined, 2)}</pre>
        </Scroll>
      </details>
    </section>
  );
}
