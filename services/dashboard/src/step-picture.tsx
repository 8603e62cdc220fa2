import { roleName, stepPhaseName } from '@trikd/events/names';
import { type RoleStep, type SlowStep, StepPhaseKind } from '@trikd/protocol/gen/browser/trikd/v1/timing';
import { milliseconds } from './format.js';
import { toneOf } from './phases.js';

const ROW = 46;
const BAR = 22;
const TOP = 22;
const TICKS = [0, 0.25, 0.5, 0.75, 1];

/** A timeline of one step in all processes, each by its own clock: what each one did and what it waited for. */
export function StepPicture({ step }: { readonly step: SlowStep }) {
  const { roles } = step;
  // The anchor runs ahead of the trainers: its work before they start is written, not drawn.
  const trainers = roles.filter(({ role }) => roleName(role) !== 'anchor');
  const start = Math.min(...(trainers.length > 0 ? trainers : roles).map(({ startedMs }) => startedMs));
  const end = Math.max(...roles.map(({ startedMs, durationMs }) => startedMs + durationMs));
  const length = Math.max(end - start, 0.001);
  const height = TOP + ROW * roles.length;
  const name = `Step ${step.step} of generation ${step.generation}: ${roles.map(saidOf).join('; ')}`;
  return (
    <figure class="gantt">
      <figcaption>
        <strong>
          Step {step.step} of generation {step.generation}
        </strong>{' '}
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
          <RoleRow key={role.role} role={role} y={TOP + ROW * index} start={start} length={length} />
        ))}
      </svg>
      <PictureLegend roles={roles} />
    </figure>
  );
}

interface RoleRowProps {
  readonly role: RoleStep;
  readonly y: number;
  readonly start: number;
  readonly length: number;
}

function RoleRow({ role, y, start, length }: RoleRowProps) {
  const ahead = start - role.startedMs;
  const shown = (offset: number) => Math.max(0, offset - ahead);
  const place = (offset: number) => `${(100 * shown(offset)) / length}%`;
  const size = (offset: number, duration: number) => `${(100 * (shown(offset + duration) - shown(offset))) / length}%`;
  // The next batch is prepared during another phase, so it is drawn below that phase.
  const below = (kind: StepPhaseKind) => kind === StepPhaseKind.STEP_PHASE_KIND_DATA;
  return (
    <g>
      <text class={`row-name ${roleName(role.role)}`} x="0" y={y + 12}>
        {roleName(role.role)}
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
            {roleName(role.role)}, {stepPhaseName(kind, peer)}: {milliseconds(durationMs)}
          </title>
        </rect>
      ))}
    </g>
  );
}

function PictureLegend({ roles }: { readonly roles: readonly RoleStep[] }) {
  const tones = new Map(
    roles.flatMap(({ phases }) =>
      phases.map(({ kind, peer }) => [toneOf(kind, peer), stepPhaseName(kind, peer)] as const),
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

function saidOf({ role, phases, durationMs }: RoleStep): string {
  const parts = phases.map((phase) => `${stepPhaseName(phase.kind, phase.peer)} ${milliseconds(phase.durationMs)}`);
  return `${roleName(role)} ${milliseconds(durationMs)}: ${parts.join(', ')}`;
}
