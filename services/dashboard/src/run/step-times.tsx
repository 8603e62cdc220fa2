import { percent, roleName } from '@trikd/events/names';
import type { StepWindows } from '@trikd/events/run-history';
import type { Role } from '@trikd/protocol/gen/browser/trikd/v1/common';
import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import type { RoleTimes, Spread, StepTimes as Times } from '@trikd/protocol/gen/browser/trikd/v1/timing';
import { Scroll } from '../controls.js';
import { milliseconds, sentence } from '../format.js';
import { type Processes, phaseNameOf, processesIn, type Segment, segmentsOf, toneOf } from './phases.js';
import { namingOf } from './stages.js';

interface StepTimesProps {
  readonly windows: StepWindows;
  readonly run: Run | undefined;
}

/** How long the phases of a step take, which model waits for which, and what limits the speed. */
export function StepTimes({ windows, run }: StepTimesProps) {
  const { newest, kept } = windows;
  return (
    <section class="panel" aria-labelledby="step-times">
      <h2 id="step-times">Where the time goes</h2>
      {newest ? <Newest times={newest} kept={kept} run={run} /> : <p class="empty">No steps have been measured yet.</p>}
    </section>
  );
}

interface NewestProps extends Pick<StepTimesProps, 'run'> {
  readonly times: Times;
  readonly kept: readonly Times[];
}

function Newest({ times, kept, run }: NewestProps) {
  const { roles, verdict, firstStep, steps, stage } = times;
  const processes = processesIn(run, stage);
  const longest = Math.max(...roles.map((role) => total(segmentsOf(role, processes))), 0);
  return (
    <>
      {verdict !== '' && <p class="verdict">{sentence(verdict)}</p>}
      <p class="muted small">
        Mean of {steps} steps of {namingOf(run).title(stage)}, from step {firstStep}.
      </p>
      <div class="bars">
        {roles.map((role) => (
          <RoleBar key={role.role} role={role} processes={processes} longest={longest} />
        ))}
      </div>
      <Legend roles={roles} processes={processes} />
      <details>
        <summary>Percentiles of each phase, and the phases over the run</summary>
        <Scroll label="percentiles">
          <table>
            <caption class="visually-hidden">Percentiles of each phase, in milliseconds</caption>
            <thead>
              <tr>
                <th scope="col">model</th>
                <th scope="col">phase</th>
                {['median', '95th percentile', 'longest', 'share'].map((name) => (
                  <th key={name} scope="col" class="number">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            {roles.map((role) => (
              <RoleRows key={role.role} role={role} processes={processes} />
            ))}
          </table>
        </Scroll>
        {kept.length > 1 && (
          <div class="timelines">
            {processesOf(kept).map((role) => (
              <Timeline key={role} role={role} windows={kept} run={run} />
            ))}
          </div>
        )}
      </details>
    </>
  );
}

interface RoleProps {
  readonly role: RoleTimes;
  readonly processes: Processes;
}

function RoleBar({ role, processes, longest }: RoleProps & { readonly longest: number }) {
  const segments = segmentsOf(role, processes);
  const whole = total(segments);
  const said = segments.map(({ name, size }) => `${name} ${milliseconds(size)}`).join(', ');
  const title = processes.nameOf(role.role);
  return (
    <div class="bar-row">
      <span class={`bar-name ${processes.colourOf(role.role)}`}>{title}</span>
      <div class="bar" role="img" aria-label={`${title}: ${said}`}>
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

function Legend({ roles, processes }: { readonly roles: readonly RoleTimes[] } & Pick<RoleProps, 'processes'>) {
  const segments = roles.flatMap((role) => segmentsOf(role, processes));
  const tones = new Map(segments.map(({ tone, name }) => [tone, name]));
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

function RoleRows({ role, processes }: RoleProps) {
  const rows: readonly { name: string; tone?: string; times: Spread | undefined; share?: number }[] = [
    { name: 'whole step', times: role.step },
    ...role.phases.map(({ kind, peer, times, share }) => ({
      name: phaseNameOf(kind, peer, processes),
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
            <th scope="rowgroup" rowSpan={rows.length} class={processes.colourOf(role.role)}>
              {processes.nameOf(role.role)}
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

/** The processes that worked in any stage. */
function processesOf(windows: readonly Times[]): readonly Role[] {
  return [...new Set(windows.flatMap(({ roles }) => roles.map(({ role }) => role)))];
}

interface TimelineProps extends Pick<StepTimesProps, 'run'> {
  readonly role: Role;
  readonly windows: readonly Times[];
}

/** The bars of one process over the whole run; in each stage it may hold another model. */
function Timeline({ role, windows, run }: TimelineProps) {
  const bars = windows.map(({ roles, stage }) => {
    const times = roles.find((each) => each.role === role);
    return times ? segmentsOf(times, processesIn(run, stage)) : [];
  });
  const name = roleName(role);
  const longest = Math.max(...bars.map(total), 0.001);
  const width = 100 / bars.length;
  return (
    <figure class="timeline">
      <figcaption>
        <span class={name}>{name}</span> <span class="muted">over the run, up to {milliseconds(longest)} per step</span>
      </figcaption>
      <svg width="100%" height="72" role="img" aria-label={`Phases of the ${name}'s steps over the run`}>
        {bars.map((segments, index) => (
          <g key={`${windows[index]?.stage} ${windows[index]?.attempt} ${windows[index]?.firstStep}`}>
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
