import { percent, roleName, stepPhaseName } from '@trikd/events/names';
import type { StepWindows } from '@trikd/events/step-windows';
import type { RoleTimes, Spread, StepTimes as Times } from '@trikd/protocol/gen/browser/trikd/v1/timing';
import { milliseconds, sentence } from './format.js';
import { type Segment, segmentsOf, toneOf } from './phases.js';
import { Scroll } from './scroll.js';

/** How long the phases of a step take, which role waits for which, and what limits the speed. */
export function StepTimes({ windows }: { readonly windows: StepWindows }) {
  const { newest, kept } = windows;
  return (
    <section class="panel" aria-labelledby="step-times">
      <h2 id="step-times">Where the time goes</h2>
      {newest ? <Newest times={newest} kept={kept} /> : <p class="empty">No steps have been measured yet.</p>}
    </section>
  );
}

function Newest({ times, kept }: { readonly times: Times; readonly kept: readonly Times[] }) {
  const { roles, verdict, firstStep, steps, generation } = times;
  const longest = Math.max(...roles.map((role) => total(segmentsOf(role))), 0);
  return (
    <>
      {verdict !== '' && <p class="verdict">{sentence(verdict)}</p>}
      <p class="muted small">
        Mean of {steps} steps of generation {generation}, from step {firstStep}.
      </p>
      <div class="bars">
        {roles.map((role) => (
          <RoleBar key={role.role} role={role} longest={longest} />
        ))}
      </div>
      <Legend roles={roles} />
      <Scroll label="percentiles">
        <table>
          <caption class="visually-hidden">Percentiles of each phase, in milliseconds</caption>
          <thead>
            <tr>
              <th scope="col">role</th>
              <th scope="col">phase</th>
              {['median', '95th percentile', 'longest', 'share'].map((name) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          {roles.map((role) => (
            <RoleRows key={role.role} role={role} />
          ))}
        </table>
      </Scroll>
      {kept.length > 1 && (
        <div class="timelines">
          {roles.map(({ role }) => (
            <Timeline key={role} name={roleName(role)} windows={kept} />
          ))}
        </div>
      )}
    </>
  );
}

function RoleBar({ role, longest }: { readonly role: RoleTimes; readonly longest: number }) {
  const segments = segmentsOf(role);
  const whole = total(segments);
  const said = segments.map(({ name, size }) => `${name} ${milliseconds(size)}`).join(', ');
  return (
    <div class="bar-row">
      <span class={`bar-name ${roleName(role.role)}`}>{roleName(role.role)}</span>
      <div class="bar" role="img" aria-label={`${roleName(role.role)}: ${said}`}>
        {segments.map(({ name, tone, size }) => (
          <span
            key={name}
            class={`segment ${tone}`}
            style={{ width: `${(100 * size) / longest}%` }}
            title={`${name}: ${milliseconds(size)}`}
          />
        ))}
      </div>
      <span class="number">{milliseconds(whole)}</span>
    </div>
  );
}

function Legend({ roles }: { readonly roles: readonly RoleTimes[] }) {
  const tones = new Map(roles.flatMap(segmentsOf).map(({ tone, name }) => [tone, name]));
  return (
    <ul class="legend">
      {[...tones].map(([tone, name]) => (
        <li key={tone}>
          <span class={`swatch ${tone}`} aria-hidden="true" /> {tone === 'wait-peer' ? 'wait for the peer' : name}
        </li>
      ))}
    </ul>
  );
}

function RoleRows({ role }: { readonly role: RoleTimes }) {
  const name = roleName(role.role);
  const rows: readonly { name: string; tone?: string; times: Spread | undefined; share?: number }[] = [
    { name: 'whole step', times: role.step },
    ...role.phases.map(({ kind, peer, times, share }) => ({
      name: stepPhaseName(kind, peer),
      tone: toneOf(kind, peer),
      times,
      share,
    })),
    { name: 'between steps', tone: 'between', times: role.between },
  ];
  return (
    <tbody>
      {rows.map(({ name: phase, tone, times, share }, index) => (
        <tr key={phase}>
          {index === 0 && (
            <th scope="rowgroup" rowSpan={rows.length} class={name}>
              {name}
            </th>
          )}
          <td>
            {tone && <span class={`swatch ${tone}`} aria-hidden="true" />} {phase}
          </td>
          <td class="number">{milliseconds(times?.p50 ?? 0)}</td>
          <td class="number">{milliseconds(times?.p95 ?? 0)}</td>
          <td class="number">{milliseconds(times?.max ?? 0)}</td>
          <td class="number">{share === undefined ? '' : percent(share)}</td>
        </tr>
      ))}
    </tbody>
  );
}

/** The bars of one role over the whole run. */
function Timeline({ name, windows }: { readonly name: string; readonly windows: readonly Times[] }) {
  const bars = windows.map(({ roles }) => {
    const role = roles.find((each) => roleName(each.role) === name);
    return role ? segmentsOf(role) : [];
  });
  const longest = Math.max(...bars.map(total), 0.001);
  const width = 100 / bars.length;
  return (
    <figure class="timeline">
      <figcaption>
        <span class={name}>{name}</span> <span class="muted">over the run, up to {milliseconds(longest)} per step</span>
      </figcaption>
      <svg width="100%" height="72" role="img" aria-label={`Phases of the ${name}'s steps over the run`}>
        {bars.map((segments, index) => (
          <g key={`${windows[index]?.generation} ${windows[index]?.attempt} ${windows[index]?.firstStep}`}>
            {stacked(segments).map(({ tone, from, size }) => (
              <rect
                key={tone + from}
                class={tone}
                x={`${index * width}%`}
                width={`${0.86 * width}%`}
                y={72 - (72 * (from + size)) / longest}
                height={(72 * size) / longest}
              />
            ))}
          </g>
        ))}
      </svg>
    </figure>
  );
}

function stacked(segments: readonly Segment[]): readonly (Segment & { readonly from: number })[] {
  let from = 0;
  return segments.map((segment) => {
    const placed = { ...segment, from };
    from += segment.size;
    return placed;
  });
}

function total(segments: readonly Segment[]): number {
  return segments.reduce((sum, { size }) => sum + size, 0);
}
