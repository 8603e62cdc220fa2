import { describe, expect, test } from 'vitest';
import { METHOD_KINDS } from '../methods/registry.js';
import { DataSpec } from './data-spec.js';
import { plainIssue } from './plain-issue.js';
import { taskProblems } from './problems.js';
import { RunSpec } from './run-spec.js';

describe('augment problems', () => {
  const model = { kind: 'plain-cnn', channels: [2] };

  function problemsOf(settings: object): readonly string[] {
    const spec = {
      name: 'x',
      data: { kind: 'synthetic' },
      epochs: 1,
      student: { model },
      teacher: { model },
      ...settings,
    };
    const { error } = RunSpec.safeParse({ batchSize: 16, ...spec });
    return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
  }

  const objective = (kind: string) => [{ kind: 'task' }, { kind: 'distillation', from: 'peer', loss: { kind } }];

  test('losses that know the label of a row are refused beside mixed images, by name', () => {
    for (const kind of ['dkd', 'nkd']) {
      const student = { model, objective: objective(kind) };
      expect(problemsOf({ student, augment: [{ kind: 'mixup' }] })).toEqual([
        `augment: an image has two labels after mixup, and the loss ${kind} needs one`,
      ]);
    }
    expect(problemsOf({ student: { model, objective: objective('kl') }, augment: [{ kind: 'mixup' }] })).toEqual([]);
  });

  test('verification is refused beside mixed images', () => {
    const data = { kind: 'synthetic-identities' };
    expect(problemsOf({ data, task: 'verification', augment: [{ kind: 'cutmix' }, { kind: 'mixup' }] })).toEqual([
      'augment: an image has two labels after cutmix and mixup, and the task verification needs one',
    ]);
  });

  test('a mistake in a section or in a list is named', () => {
    expect(problemsOf({ augment: { crop: -1 } })[0]).toMatch(/^augment\.crop: /);
    expect(problemsOf({ augment: { crp: 1 } })[0]).toMatch(/crp/);
    expect(problemsOf({ augment: [{ kind: 'flip' }, { kind: 'crop', padding: 0 }] })[0]).toMatch(
      /^augment\.1\.padding: /,
    );
    expect(problemsOf({ augment: [{ kind: 'cropp' }] })[0]).toMatch(/^augment\.0\.kind: |^augment: 0: kind: /);
  });
});

describe('method problems', () => {
  const role = { model: { kind: 'plain-cnn', channels: [4] } };
  const task = { kind: 'task' };
  const from = (name: string) => ({ kind: 'distillation', from: name });
  const base = { name: 'r', data: { kind: 'synthetic' }, epochs: 1 };
  const pair = { student: role, teacher: role };

  function mistakesOf(spec: object): readonly string[] {
    const { error } = RunSpec.safeParse({ ...base, ...spec }, { error: plainIssue });
    return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
  }

  /** Methods by what they use besides the student. */
  const ALONE = ['ce', 'born-again'];
  const WITH_TEACHER = ['trikd', 'kd', 'online-kd', 'dml', 'eskd', 'sckd', 'label-anchor'];
  const BY_OBJECTIVE = ['trikd', 'label-anchor'];

  test('each method is listed here by what it uses', () => {
    expect([...ALONE, ...WITH_TEACHER, 'takd'].toSorted()).toEqual(METHOD_KINDS.toSorted());
  });

  describe.for(WITH_TEACHER)('%s', (method) => {
    test('needs student and teacher', () => {
      expect(mistakesOf({ ...pair, method })).toEqual([]);
      expect(mistakesOf({ student: role, method })).toEqual(['teacher: missing: expected a section']);
      expect(mistakesOf({ teacher: role, method })).toEqual(['student: missing: expected a section']);
    });

    test('has no assistants', () => {
      expect(mistakesOf({ ...pair, assistants: [role], method })).toEqual([
        `assistants: the method ${method} has no assistants: leave it out`,
      ]);
    });
  });

  describe.for(ALONE)('%s', (method) => {
    test('needs a student, and has no teacher', () => {
      expect(mistakesOf({ student: role, method })).toEqual([]);
      expect(mistakesOf({ ...pair, method })).toEqual([`teacher: the method ${method} has no teacher: leave it out`]);
    });
  });

  test('takd needs student, teacher and assistants', () => {
    expect(mistakesOf({ ...pair, assistants: [role], method: 'takd' })).toEqual([]);
    expect(mistakesOf({ ...pair, method: 'takd' })).toEqual(['assistants: missing: expected a list']);
    expect(mistakesOf({ ...pair, assistants: [], method: 'takd' })).toEqual(['assistants: expected at least 1 item']);
  });

  describe('an objective', () => {
    const objective = [task];

    test.for(METHOD_KINDS.filter((kind) => !BY_OBJECTIVE.includes(kind)))('is not for %s, which makes it', (method) => {
      const roles = ALONE.includes(method) ? { student: role } : pair;
      const assistants = method === 'takd' ? { assistants: [role] } : {};
      const written = { ...roles, ...assistants, student: { ...role, objective }, method };
      expect(mistakesOf(written)).toEqual([
        `student.objective: the method ${method} makes the objectives itself, by its knobs in method: leave it out, or write stages`,
      ]);
    });

    test.for(BY_OBJECTIVE)('is for %s', (method) => {
      expect(mistakesOf({ student: { ...role, objective }, teacher: { ...role, objective }, method })).toEqual([]);
    });

    test('that names no participant is refused once, by those of the last stage', () => {
      const student = { ...role, objective: [task, from('anchr')] };
      expect(mistakesOf({ ...pair, student })).toEqual([
        'student.objective.1.from: there is no participant anchr; did you mean anchor?',
      ]);
    });

    test('whose only terms are those of the anchor is refused', () => {
      expect(mistakesOf({ ...pair, student: { ...role, objective: [from('anchor')] } })).toEqual([
        'student.objective: nothing to learn from while there is no anchor: a term that does not ask it is needed',
      ]);
    });

    describe('whose other terms have no weight', () => {
      const anchored = { ...role, objective: [from('anchor'), { kind: 'task', weight: 0 }] };

      test('is refused for trikd, whose generation 0 has no anchor', () => {
        expect(mistakesOf({ ...pair, student: anchored })).toEqual([
          'student.objective: nothing to learn from in generation 0, which has no anchor: a task or peer term with a weight above 0 is needed',
        ]);
      });

      test('is refused where the anchor does not teach the learner', () => {
        const method = { kind: 'trikd', firstAnchor: 'labels', anchorTeaches: 'teacher' };
        expect(mistakesOf({ ...pair, student: anchored, method })).toEqual([
          'student.objective: nothing to learn from in generation 1: a term with a weight above 0 is needed',
        ]);
      });
    });
  });

  test('no stages are made of settings that are out of their range', () => {
    const mistakes = mistakesOf({ ...pair, curriculum: { generations: 2 ** 31 } });
    expect(mistakes).toEqual(['curriculum.generations: expected at most 500']);
  });

  describe('stages that are written out', () => {
    const stages = [{ name: 'only', learners: { student: role } }];

    test('need nothing besides', () => {
      expect(mistakesOf({ stages })).toEqual([]);
    });

    test.for<[string, unknown]>([
      ['method', 'kd'],
      ['student', role],
      ['teacher', role],
      ['assistants', [role]],
    ])('have no %s beside them', ([name, value]) => {
      expect(mistakesOf({ stages, [name]: value })).toEqual([
        `${name}: stages are written out: they say what ${name} would`,
      ]);
    });
  });

  describe('a method', () => {
    test.for([['kdd'], [{ kind: 'kdd' }], [{}], [7]])(
      'that does not exist is refused with the names of those that do: %j',
      ([method]) => {
        expect(mistakesOf({ ...pair, method })).toEqual([
          expect.stringMatching(`^method: .*${METHOD_KINDS.join(', ')}$`),
        ]);
      },
    );

    test('with a knob of another one is refused by the knob', () => {
      expect(mistakesOf({ ...pair, method: { kind: 'kd', threshold: 0 } })).toEqual([
        expect.stringMatching(/^method: .*threshold/),
      ]);
    });

    test.for<[object, string]>([
      [{ kind: 'kd', weight: 'much' }, 'weight: expected a number, found text'],
      [{ kind: 'eskd', stops: 'student' }, 'stops: expected teacher or hint'],
      [{ kind: 'trikd', firstAnchor: 'none' }, 'firstAnchor: expected online, labels or kd'],
    ])('with a knob of another type is refused by the knob: %j', ([method, problem]) => {
      expect(mistakesOf({ ...pair, method })).toEqual([`method: ${problem}`]);
    });

    test.for<[object, string]>([
      [{ kind: 'kd', weight: -1 }, 'weight'],
      [{ kind: 'kd', temperature: 0 }, 'temperature'],
      [{ kind: 'eskd', after: 0 }, 'after'],
      [{ kind: 'eskd', after: 1 }, 'after'],
      [{ kind: 'sckd', threshold: 1.5 }, 'threshold'],
    ])('with a knob out of its range is refused by the knob: %j', ([method, knob]) => {
      expect(mistakesOf({ ...pair, method })).toEqual([expect.stringContaining(`method.${knob}: expected`)]);
    });
  });

  describe('replicas', () => {
    const shared = (objective: readonly object[], more: object = {}) =>
      mistakesOf({ teacher: role, student: { ...role, replicas: 4, objective }, ...more });

    test('divide the batch', () => {
      expect(shared([task])).toEqual([]);
      expect(shared([task], { batchSize: 30 })).toEqual([
        'student.replicas: a batch of 30 images cannot be divided among 4 replicas',
      ]);
    });

    test('learn from no loss that compares the images of a batch', () => {
      const rows = { kind: 'mlkd', classes: 0, batch: 0 };
      for (const loss of [{ kind: 'dist', gamma: 0 }, rows]) expect(shared([{ ...from('peer'), loss }])).toEqual([]);
      for (const loss of [{ kind: 'dist' }, { ...rows, batch: 1 }, { ...rows, classes: 1 }]) {
        expect(shared([{ ...from('peer'), loss }])).toEqual([
          `student.replicas: the loss ${loss.kind} compares the images of a batch, of which a replica has a part: leave replicas out, or give its other parts the weight 0`,
        ]);
      }
    });

    test('have no gate that compares whole batches', () => {
      const gated = (kind: string) => shared([task, { ...from('peer'), gate: { kind } }]);
      expect(gated('params-similarity')).toEqual([]);
      expect(gated('logits-similarity')).toEqual([
        'student.replicas: a gate logits-similarity compares whole batches, of which a replica has a part: leave replicas out, or take params-similarity',
      ]);
    });

    test('are none of a frozen teacher', () => {
      const teacher = { ...role, from: { run: 'before' }, replicas: 2 };
      expect(mistakesOf({ method: 'kd', student: role, teacher })).toEqual([
        'teacher.replicas: a frozen teacher does not train: leave it out',
      ]);
    });

    test('are settings of a written learner too', () => {
      const stages = [{ name: 'only', learners: { student: { ...role, replicas: 3 } } }];
      expect(mistakesOf({ stages })).toEqual([
        'stages.0.learners.student.replicas: a batch of 128 images cannot be divided among 3 replicas',
      ]);
    });
  });
});

describe('task problems', () => {
  const problemsOf = (task: 'classification' | 'verification' | undefined, data: object) =>
    taskProblems({ task, data: DataSpec.parse(data) }).map(({ path, message }) => `${path.join('.')}: ${message}`);

  test('classification learns from data with the same classes in every split, verification from data that are split by identity', () => {
    expect(problemsOf(undefined, { kind: 'synthetic' })).toEqual([]);
    expect(problemsOf('classification', { kind: 'idx' })).toEqual([]);
    expect(problemsOf('verification', { kind: 'synthetic-identities' })).toEqual([]);
    expect(problemsOf('verification', { kind: 'idx', split: 'identities' })).toEqual([]);
  });

  test('verification of data that are not split by identity is refused with the setting that splits them', () => {
    const needs = 'verification needs other identities in validation and test than in training';
    expect(problemsOf('verification', { kind: 'idx' })).toEqual([`data.split: ${needs}: set it to identities`]);
    expect(problemsOf('verification', { kind: 'images', folder: '/faces', size: [8, 8] })).toEqual([
      `data.split: ${needs}: set it to identities`,
    ]);
    expect(problemsOf('verification', { kind: 'synthetic' })).toEqual([
      `data.kind: ${needs}: take synthetic-identities`,
    ]);
  });

  test.each([{ kind: 'synthetic-identities' }, { kind: 'idx', split: 'identities' }])(
    'classification of identities is refused: %j',
    (data) => {
      expect(problemsOf(undefined, data)).toEqual([
        'task: classification knows the classes of training alone, and these data have other identities in validation and test: set task to verification',
      ]);
    },
  );

  test('a spec with such a task is none', () => {
    const student = { model: { kind: 'plain-cnn', channels: [2] } };
    const written = { name: 'r', method: 'ce', data: { kind: 'synthetic' }, epochs: 1, student };
    expect(RunSpec.safeParse({ ...written, task: 'verification' }).error?.issues.map(({ path }) => path)).toEqual([
      ['data', 'kind'],
    ]);
    const identities = { ...written, data: { kind: 'synthetic-identities' }, task: { kind: 'verification' } };
    expect(RunSpec.parse(identities).task).toMatchObject({ kind: 'verification', embedding: 128 });
  });
});
