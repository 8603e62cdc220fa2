import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { useMemo, useState } from 'preact/hooks';
import type { ColourOf } from './comparison-of.js';
import { Scroll } from './scroll.js';
import { settingRows } from './setting-rows.js';

interface ComparedSettingsProps {
  readonly runs: readonly Run[];
  readonly colourOf: ColourOf;
}

/** The settings in which runs differ, or all of them. */
export function ComparedSettings({ runs, colourOf }: ComparedSettingsProps) {
  const [all, setAll] = useState(false);
  const specs = runs.map(({ spec }) => spec);
  const rows = useMemo(() => settingRows(specs), [specs.join('\n')]);
  const shown = rows.filter(({ differs }) => all || differs);
  return (
    <section class="panel" aria-labelledby="settings">
      <div class="title">
        <h2 id="settings">{all ? 'All settings' : 'Different settings'}</h2>
        <label>
          <input type="checkbox" checked={all} onChange={(event) => setAll(event.currentTarget.checked)} /> all settings
        </label>
      </div>
      {shown.length === 0 && <p class="empty">The runs have the same settings.</p>}
      {shown.length > 0 && (
        <Scroll label="settings">
          <table class="settings">
            <caption class="visually-hidden">Settings of each run</caption>
            <thead>
              <tr>
                <th scope="col">Setting</th>
                {runs.map(({ runId }) => (
                  <th key={runId} scope="col">
                    <span class={`swatch ${colourOf(runId)}`} aria-hidden="true" /> {runId}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map(({ path, values, differs }) => (
                <tr key={path} class={all && differs ? 'chosen' : ''}>
                  <th scope="row">
                    <code>{path}</code>
                  </th>
                  {values.map((value, index) => (
                    <td key={runs[index]?.runId}>{value ?? '–'}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  );
}
