/** How long the rest of much work takes, by what it costs. */
export interface TimeLeft {
  /** @param cost of a job that has ended */
  done(cost: number): void;
  /** @param cost of a job that had ended before: it says nothing about the speed */
  skip(cost: number): void;
  /** `3 of 20 done, 4 min left` */
  text(): string;
}

/** @param costs of all jobs, in any unit @param now in seconds */
export function timeLeft(costs: readonly number[], now: () => number): TimeLeft {
  const started = now();
  let all = costs.reduce((sum, cost) => sum + cost, 0);
  let [count, spent] = [0, 0];
  return {
    done(cost) {
      count++;
      spent += cost;
    },
    skip(cost) {
      count++;
      all -= cost;
    },
    text() {
      const counted = `${count} of ${costs.length} done`;
      if (spent === 0 || count === costs.length) return counted;
      return `${counted}, ${durationText(((now() - started) * (all - spent)) / spent)} left`;
    },
  };
}

/** `34 s`, `12 min`, `3 h 5 min` */
export function durationText(seconds: number): string {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `12.3 billion multiply-adds` */
export function computeText(multiplyAdds: number): string {
  return `${Number((multiplyAdds / 1e9).toPrecision(3))} billion multiply-adds`;
}
