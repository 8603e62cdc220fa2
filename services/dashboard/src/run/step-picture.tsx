import { roleName } from '@trikd/events/names';
import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { type RoleStep, type SlowStep, StepPhaseKind } from '@trikd/protocol/gen/browser/trikd/v1/timing';
import { useState } from 'preact/hooks';
import { Scroll } from '../controls.js';
import { milliseconds } from '../format.js';
import { type Processes, phaseNameOf, processesIn, toneOf } from './phases.js';
import { namingOf } from './stages.js';

const keyOf = ({ stage, attempt, step }: SlowStep) => `${stage} ${attempt} ${step}`;

interface SlowStepsProps {
  readonly steps: readonly SlowStep[];
  readonly run: Run | undefined;
}

/** The slowest steps, and a timeline of the selected one. */
export function SlowSteps({ steps, run }: SlowStepsProps) {
  const [chosen, setChosen] = useState<string>();
  const { title } = namingOf(run);
  const shown = steps.find((each) => keyOf(each) === chosen) ?? steps[0];
  return (
    <section class="panel" aria-labelledby="slow-steps">
      <h2 id="slow-steps">Slowest steps</h2>
      {!shown && <p class="empty">No step has taken much longer than usual.</p>}
      {shown && (
        <>
          <p class="muted small">
            {steps.length === 1 ? 'One step has' : `${steps.length} steps have`} taken much longer than their
            neighbours: at most {milliseconds(Math.max(...steps.map(({ durationMs }) => durationMs)))}.
          </p>
          <details>
            <summary>What each process did in them</summary>
            <StepPicture step={shown} run={run} />
            <Scroll label="slowest steps">
              <table>
                <caption class="visually-hidden">The slowest steps of the run</caption>
                <thead>
                  <tr>
                    <th scope="col">step</th>
                    <th scope="col" class="number">
                      took
                    </th>
                    <th scope="col" class="number">
                      usual
                    </th>
                    <th scope="col">trace</th>
                    <th scope="col">
                      <span class="visually-hidden">timeline</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {steps.map((each) => (
                    <tr key={keyOf(each)} class={each === shown ? 'chosen' : ''}>
                      <th scope="row">
                        {each.step} <span class="muted">of {title(each.stage)}</span>
                      </th>
                      <td class="number">{milliseconds(each.durationMs)}</td>
                      <td class="number">{milliseconds(each.usualMs)}</td>
                      <td>
                        <code class="trace">{each.traceId || '–'}</code>
                      </td>
                      <td>
                        <button
                          type="button"
                          class="small"
                          aria-pressed={each === shown}
                          aria-label={`Show step ${each.step} of ${title(each.stage)}`}
                          onClick={() => setChosen(keyOf(each))}
                        >
                          show
                        </button>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </Scroll>
          </details>
        </>
      )}
    </section>
  );
}

const ROW = 46;
const BAR = 22;
const TOP = 22;
const TICKS = [0, 0.25, 0.5, 0.75, 1];

/** A timeline of one step in all processes, each by its own clock: what each one did and what it waited for. */
function StepPicture({ step, run }: { readonly step: SlowStep; readonly run: Run | undefined }) {
  const { roles } = step;
  const processes = processesIn(run, step.stage);
  const title = `Step ${step.step} of ${namingOf(run).title(step.stage)}`;
  // The anchor runs ahead of the trainers: its work before they start is written, not drawn.
  const trainers = roles.filter(({ role }) => roleName(role) !== 'anchor');
  const start = Math.min(...(trainers.length > 0 ? trainers : roles).map(({ startedMs }) => startedMs));
  const end = Math.max(...roles.map(({ startedMs, durationMs }) => startedMs + durationMs));
  const length = Math.max(end - start, 0.001);
  const height = TOP + ROW * roles.length;
  const name = `${title}: ${roles.map((role) => saidOf(role, processes)).join('; ')}`;
  return (
    <figure class="gantt">
      <figcaption>
        <strong>{title}</strong>{' '}
        <span class="muted">
          took {milliseconds(step.durationMs)}
          {step.traceId !== '' && (
            <>
              {' '}
              · trace <code class="trace">{step.traceId}</code>
            </>
          )}
        </span>
      </figcaption>
      <svg width="100%" height={height} role="img" aria-label={name}>
        {TICKS.map((tick) => (
          <g key={tick}>
            <line class="tick" x1={`${100 * tick}%`} x2={`${100 * tick}%`} y1={TOP - 4} y2={height} />
            <text
              class="tick-text"
              x={`${100 * tick}%`}
              y={12}
              text-anchor={tick === 0 ? 'start' : tick === 1 ? 'end' : 'middle'}
            >
              {milliseconds(tick * length)}
            </text>
          </g>
        ))}
        {roles.map((role, index) => (
          <RoleRow
            key={role.role}
            role={role}
            processes={processes}
            y={TOP + ROW * index}
            start={start}
            length={length}
          />
        ))}
      </svg>
      <PictureLegend roles={roles} processes={processes} />
    </figure>
  );
}

interface RoleRowProps {
  readonly role: RoleStep;
  readonly processes: Processes;
  readonly y: number;
  readonly start: number;
  readonly length: number;
}

function RoleRow({ role, processes, y, start, length }: RoleRowProps) {
  const name = processes.nameOf(role.role);
  const ahead = start - role.startedMs;
  const shown = (offset: number) => Math.max(0, offset - ahead);
  const place = (offset: number) => `${(100 * shown(offset)) / length}%`;
  const size = (offset: number, duration: number) => `${(100 * (shown(offset + duration) - shown(offset))) / length}%`;
  // The next batch is prepared during another phase, so it is drawn below that phase.
  const below = (kind: StepPhaseKind) => kind === StepPhaseKind.STEP_PHASE_KIND_DATA;
  return (
    <g>
      <text class={`row-name ${processes.colourOf(role.role)}`} x="0" y={y + 12}>
        {name}
        {ahead > 0 && <tspan class="tick-text"> started {milliseconds(ahead)} earlier</tspan>}
      </text>
      <rect class="whole" x={place(0)} width={size(0, role.durationMs)} y={y + 16} height={BAR} />
      {role.phases.map(({ kind, peer, offsetMs, durationMs }) => (
        <rect
          key={`${kind} ${peer} ${offsetMs}`}
          class={toneOf(kind, peer)}
          x={place(offsetMs)}
          width={size(offsetMs, durationMs)}
          y={y + 16 + (below(kind) ? BAR - 4 : 0)}
          height={below(kind) ? 6 : BAR - 4}
        >
          <title>
            {name}, {phaseNameOf(kind, peer, processes)}: {milliseconds(durationMs)}
          </title>
        </rect>
      ))}
    </g>
  );
}

interface PictureLegendProps {
  readonly roles: readonly RoleStep[];
  readonly processes: Processes;
}

function PictureLegend({ roles, processes }: PictureLegendProps) {
  const tones = new Map(
    roles.flatMap(({ phases }) =>
      phases.map(({ kind, peer }) => [toneOf(kind, peer), phaseNameOf(kind, peer, processes)] as const),
    ),
  );
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

function saidOf({ role, phases, durationMs }: RoleStep, processes: Processes): string {
  const parts = phases.map(
    ({ kind, peer, durationMs: length }) => `${phaseNameOf(kind, peer, processes)} ${milliseconds(length)}`,
  );
  return `${processes.nameOf(role)} ${milliseconds(durationMs)}: ${parts.join(', ')}`;
}
