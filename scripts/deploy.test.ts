import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parser } from '@prometheus-io/lezer-promql';
import { ATTRIBUTES, METRICS, SPANS } from '@trikd/telemetry/semconv';
import { OidcConfig } from '@trikd/transport/access/oidc-config';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { prometheusNames } from './prometheus-names.ts';

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

/** Names of metrics in a query: identifiers that are none of its functions, words and labels. */
function metricsOf(query: string): readonly string[] {
  const bare = query.replace(/"[^"]*"/g, '').replace(/\b(by|on|group_left|group_right|without)\s*\([^)]*\)/g, '');
  return [...bare.matchAll(/\b(?:trikd|process)_[a-z_]+/g)]
    .filter(({ index, 0: name }) => !/^\s*(=|!=|=~|!~)[^=]/.test(bare.slice(index + name.length)))
    .map(([name]) => name);
}

/** Labels that a query groups by or asks for. */
function labelsOf(query: string): readonly string[] {
  const grouped = [...query.matchAll(/\b(?:by|on)\s*\(([^)]*)\)/g)].flatMap(([, names]) => names!.split(','));
  const asked = [...query.matchAll(/[{,]\s*([a-z_]+)\s*(?:=|!=|=~|!~)\s*"/g)].map(([, name]) => name!);
  return [...grouped, ...asked].map((name) => name.trim()).filter((name) => name !== '');
}

/** What of a query the grammar of Prometheus does not know. Grafana's intervals stand for themselves there. */
function mistakesIn(query: string): readonly string[] {
  const text = query.replaceAll('$__rate_interval', '5m');
  const mistakes: string[] = [];
  parser.parse(text).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) mistakes.push(`at ${from}: ${text.slice(from, Math.max(to, from + 20))}`);
    },
  });
  return mistakes;
}

const known = new Set(prometheusNames());
const labels = new Set([...Object.keys(ATTRIBUTES).map((name) => name.replaceAll('.', '_')), 'le', 'job']);

function expectKnown(query: string): void {
  expect(mistakesIn(query), query).toEqual([]);
  expect(metricsOf(query), query).not.toEqual([]);
  expect(metricsOf(query).filter((name) => !known.has(name))).toEqual([]);
  expect(labelsOf(query).filter((name) => !labels.has(name))).toEqual([]);
}

const Place = z.object({ h: z.int().positive(), w: z.int().min(1).max(24), x: z.int().min(0), y: z.int().min(0) });
const Panel = z.object({
  id: z.int().positive(),
  type: z.enum(['row', 'timeseries', 'stat']),
  title: z.string().min(1),
  gridPos: Place,
  targets: z
    .array(z.object({ expr: z.string(), legendFormat: z.string(), refId: z.string().regex(/^[A-Z]$/) }))
    .optional(),
});
const Dashboard = z.object({ uid: z.string(), schemaVersion: z.int().min(36), panels: z.array(Panel) });
const Rules = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      rules: z.array(z.object({ alert: z.string(), expr: z.string(), annotations: z.record(z.string(), z.string()) })),
    }),
  ),
});
const RuleTests = z.object({
  tests: z.array(
    z.object({
      alert_rule_test: z.array(z.object({ alertname: z.string(), exp_alerts: z.array(z.unknown()).optional() })),
    }),
  ),
});

test('a mistake in a query is found', () => {
  expect(mistakesIn('sum by (job (rate(trikd_pairs_total[5m]))')).not.toEqual([]);
  expect(mistakesIn('sum(rate(trikd_pairs_total[5m])')).not.toEqual([]);
  expect(() => expectKnown('trikd_paris_total')).toThrow();
  expect(() => expectKnown('sum by (trikd_rule) (trikd_pairs_total)')).toThrow();
});

describe('the dashboard for Grafana', () => {
  const { panels } = Dashboard.parse(JSON.parse(read('deploy/grafana/trikd.json')));

  test('asks for nothing but metrics and attributes that there are', () => {
    const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    expect(queries.length).toBeGreaterThan(15);
    for (const query of queries) expectKnown(query);
  });

  test('has panels with ids of their own, none of which covers another', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });

  test('shows every metric of ours', () => {
    const shown = new Set(panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => metricsOf(expr))));
    const bases = Object.keys(METRICS).filter((name) => {
      const base = name.replaceAll('.', '_');
      return ![...shown].some((each) => each.startsWith(base));
    });
    // The metric that decides has a panel, the others of a score have not.
    const others = ['nll', 'ece', 'top5', 'tar1e-1', 'tar1e-2', 'tar1e-3', 'retrieval'];
    expect(bases).toEqual(others.map((name) => `trikd.validation.${name}`));
  });
});

describe('the alert rules', () => {
  const rules = Rules.parse(parse(read('deploy/alerts.yaml'))).groups.flatMap((group) => group.rules);

  test('ask for nothing but metrics and attributes that there are', () => {
    for (const { expr } of rules) expectKnown(expr);
  });

  test('each have a test in which they fire, and one in which they do not', () => {
    const tests = RuleTests.parse(parse(read('deploy/alerts.test.yaml'))).tests.flatMap((each) => each.alert_rule_test);
    for (const { alert } of rules) {
      const of = tests.filter(({ alertname }) => alertname === alert);
      expect(
        of.some(({ exp_alerts = [] }) => exp_alerts.length > 0),
        alert,
      ).toBe(true);
      expect(
        of.some(({ exp_alerts = [] }) => exp_alerts.length === 0),
        alert,
      ).toBe(true);
    }
  });
});

test.each([
  ['alerts.yaml', 'alerts.yaml'],
  ['grafana/trikd.json', 'dashboard.json'],
])('the chart has a copy of deploy/%s, which Helm cannot read outside of it', (original, copy) => {
  expect(read(`deploy/helm/trikd/files/${copy}`)).toBe(read(`deploy/${original}`));
});

test('docs/telemetry.md lists every span, attribute and metric, as it is defined', () => {
  const text = read('docs/telemetry.md');
  for (const [name, description] of [...Object.entries(SPANS), ...Object.entries(ATTRIBUTES)]) {
    expect(text).toContain(`| \`${name}\` | ${description} |`);
  }
  for (const [name, { kind, unit, description, attributes }] of Object.entries(METRICS)) {
    const by = attributes.map((each) => `\`${each}\``).join(', ');
    expect(text).toContain(`| \`${name}\` | ${kind}, ${unit} | ${description} | ${by} |`);
  }
});

test.each(['orchestrator', 'trainer', 'anchor-server', 'serving'])(
  'the command in docs/operations.md gives the policy of the %s another bucket and prefix',
  (role) => {
    const [, command] = /^sed '([^']+)' deploy\/minio\/trainer\.json/m.exec(read('docs/operations.md')) ?? [];
    const policy = read(`deploy/minio/${role}.json`);
    const renamed = execFileSync('sed', [command!], { input: policy, encoding: 'utf8' });
    expect(renamed).not.toMatch(/trikd|team/);
    const resources = JSON.parse(renamed).Statement.flatMap(({ Resource }: { Resource: string[] }) => Resource);
    for (const each of resources) expect(each).toMatch(/^arn:aws:s3:::BUCKET(\/PREFIX\/.*)?$/);
  },
);

describe('the proxy that logs people in for the dashboard', () => {
  const proxy = read('deploy/oauth2-proxy/oauth2-proxy.cfg');
  const settings = new Map(
    [...proxy.matchAll(/^(\w+) = \[?"?([^"\]\n]*)"?\]?$/gm)].map(([, name, value]) => [name, value]),
  );
  const { http, oidc } = z
    .object({ http: z.object({ listen: z.string(), hosts: z.array(z.string()) }), oidc: OidcConfig })
    .parse(parse(read('deploy/oauth2-proxy/orchestrator.yaml')));

  test('passes on tokens that the orchestrator accepts, to where the dashboard listens', () => {
    expect(oidc[0]).toMatchObject({
      issuer: settings.get('oidc_issuer_url'),
      audience: expect.arrayContaining([settings.get('client_id')]),
    });
    expect(settings.get('pass_authorization_header')).toBe('true');
    expect(settings.get('upstreams')).toBe(`http://${http.listen}/`);
    expect(http.hosts).toEqual([new URL(settings.get('redirect_url') ?? '').hostname]);
  });
});
