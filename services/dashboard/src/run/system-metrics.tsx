import { percent, roleName } from '@trikd/events/names';
import type { StepWindows } from '@trikd/events/run-history';
import { bytes } from '../format.js';
import { type RoleUsage, usageOf } from './usage-of.js';

const HEIGHT = 36;
const WIDTH = 100;

/** What the process of each role uses: processor, memory, and GPU where it has one. */
export function SystemMetrics({ windows }: { readonly windows: StepWindows }) {
  const usages = usageOf(windows);
  if (usages.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="system-metrics">
      <h2 id="system-metrics">What the processes use</h2>
      <div class="usages">
        {usages.map((usage) => (
          <Usage key={usage.role} usage={usage} />
        ))}
      </div>
    </section>
  );
}

function Usage({ usage: { role, points, peakMemoryBytes } }: { readonly usage: RoleUsage }) {
  const name = roleName(role);
  const newest = points.at(-1);
  if (!newest) return null;
  const { cores, memoryBytes, gpu } = newest;
  const gpus = points.flatMap((point) => point.gpu ?? []);
  return (
    <figure class="usage">
      <figcaption class={name}>{name}</figcaption>
      <dl>
        <Measure
          name="CPU"
          value={coresText(cores)}
          detail={`at most ${coresText(Math.max(...points.map((point) => point.cores)))}`}
          values={points.map((point) => point.cores)}
          role={name}
        />
        <Measure
          name="Memory"
          value={bytes(memoryBytes)}
          detail={`at most ${bytes(peakMemoryBytes)}`}
          values={points.map((point) => point.memoryBytes)}
          role={name}
        />
        {gpu && (
          <>
            <Measure
              name="GPU"
              value={percent(gpu.utilization)}
              values={gpus.map((each) => each.utilization)}
              role={name}
            />
            <Measure
              name="GPU memory"
              value={bytes(gpu.memoryBytes)}
              detail={`of ${bytes(gpu.memoryTotalBytes)}`}
              values={gpus.map((each) => each.memoryBytes)}
              role={name}
            />
          </>
        )}
      </dl>
    </figure>
  );
}

interface MeasureProps {
  readonly name: string;
  /** The newest, in words. */
  readonly value: string;
  readonly detail?: string;
  /** Over the run. */
  readonly values: readonly number[];
  readonly role: string;
}

/** The newest value, and a small plot from 0 to the largest one. */
function Measure({ name, value, detail, values, role }: MeasureProps) {
  const most = Math.max(...values, Number.MIN_VALUE);
  const x = (index: number) => (values.length > 1 ? (WIDTH * index) / (values.length - 1) : WIDTH);
  const y = (each: number) => HEIGHT - 1 - ((HEIGHT - 3) * each) / most;
  const line = values.map((each, index) => `${x(index).toFixed(2)},${y(each).toFixed(2)}`).join(' ');
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <span class="number">{value}</span> {detail && <span class="muted small">{detail}</span>}
        <svg
          class={role}
          width="100%"
          height={HEIGHT}
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          aria-hidden="true"
        >
          <polygon points={`0,${HEIGHT} ${values.length > 1 ? line : `0,${y(most)} ${line}`} ${WIDTH},${HEIGHT}`} />
          <polyline points={values.length > 1 ? line : `0,${y(most)} ${line}`} vector-effect="non-scaling-stroke" />
        </svg>
      </dd>
    </div>
  );
}

function coresText(cores: number): string {
  const text = cores >= 10 ? cores.toFixed(0) : cores.toFixed(1);
  return `${text} ${text === '1.0' ? 'core' : 'cores'}`;
}
