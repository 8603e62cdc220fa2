import { expect, test } from 'vitest';
import { evaluatedPage } from './html-page.js';

const details = {
  kind: 'classes' as const,
  classes: [
    { label: 0, support: 4, precision: 1, recall: 0.75, f1: 6 / 7 },
    { label: 1, support: 0 },
  ],
  confusion: [
    { label: 0, answer: 0, examples: 3 },
    { label: 0, answer: 1, examples: 1 },
  ],
  calibration: [{ from: 0.6, to: 0.7, examples: 4, confidence: 0.65, right: 0.75 }],
  worst: [{ index: 9, label: 0, answer: 1, confidence: 0.6, nll: 1 }],
};
const picture = (index: number) => `data:image/png;base64,${index}`;

test('a page has scores, confusion, reliability and the worst images, and loads nothing', () => {
  const sections = [{ title: 'student on test', facts: ['best params'], details, picture }];
  const page = evaluatedPage({ runId: 'tiny', classNames: undefined, sections });
  expect(page).toContain('<tr><td>0</td><td>100.00 %</td><td>75.00 %</td><td>85.71 %</td><td>4</td></tr>');
  expect(page).toContain('<tr><td>1</td><td>-</td><td>-</td><td>-</td><td>0</td></tr>');
  expect(page).toContain('<td style="background: rgba(36, 99, 180, 0.450)">3</td>');
  expect(page).toContain('<rect class="main" x="144.0" width="23.0" y="60.0" height="180.0"/>');
  expect(page).toContain('<img src="data:image/png;base64,9" alt="image 9">');
  expect(page.match(/(src|href)="(?!data:)/g)).toBeNull();
});

test('names are text, whatever is in them', () => {
  const hostile = '</td><script>alert(1)</script>&"';
  const page = evaluatedPage({
    ...{ runId: hostile, classNames: [hostile, hostile] },
    sections: [{ title: hostile, facts: [hostile], details, picture }],
  });
  expect(page).not.toContain('<script');
  expect(page).toContain('&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;');
});

test('pairs have their curve and their histogram', () => {
  const pairs = {
    kind: 'pairs' as const,
    roc: [
      { threshold: 2, trueAccepts: 0, falseAccepts: 0 },
      { threshold: 0.5, trueAccepts: 0.75, falseAccepts: 0.25 },
    ],
    ...{ area: 0.9, similarities: [{ from: 0, to: 0.05, same: 1, different: 2 }] },
    worst: [{ left: 1, right: 2, same: false, similarity: 0.8 }],
  };
  const sections = [{ title: 'student on test', facts: [], details: pairs, picture }];
  const page = evaluatedPage({ runId: 'tiny', classNames: undefined, sections });
  expect(page).toContain('<polyline class="curve" points="0.0,240.0 60.0,60.0"/>');
  expect(page).toContain('<rect class="main" x="120.0" width="5.0" y="120.0" height="120.0"/>');
  expect(page).toContain('alt="image 1"><img src="data:image/png;base64,2"');
});
