"""Values and gradients of every distillation loss, computed a second time: numpy, float64, from the equations of the papers.

The tests compare the losses with the numbers that this wrote once. It is run by hand, never by the build:

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install numpy==2.4.6
    /tmp/golden/bin/python test/golden/distillation_losses.py             # writes distillation_losses.json beside it
    npx biome check --write test/golden/distillation_losses.json

Probabilities are computed and compared as such, without the rearrangements that float32 needs, and gradients are central differences
of these values. The equations, for logits z of the learner and t of the target, label y, temperature T, B rows, C classes:

    kl          T^2 sum_i q_i ln(q_i / p_i)                                             Hinton et al. 2015, arXiv 1503.02531
    reverse-kl  T^2 sum_i p_i ln(p_i / q_i)                                             Gu et al. 2024, arXiv 2306.08543
    mse         mean_i (z_i - t_i)^2                                                    Kim et al. 2021, arXiv 2105.08919
    dkd         T^2 (alpha KL([q_y, 1 - q_y] || [p_y, 1 - p_y]) + beta KL(q^ || p^))    Zhao et al. 2022, arXiv 2203.08679
    nkd         -q_y ln p_y (T = 1) - gamma T^2 sum_{i != y} q^_i ln p^_i               Yang et al. 2023, arXiv 2303.13005
    dist        T^2 (beta (1 - mean_b rho(row b)) + gamma (1 - mean_c rho(column c)))   Huang et al. 2022, arXiv 2205.10536
    ttm         KL(q^g / sum q^g || p), both at T = 1, g = 1 / T or a given exponent    Zheng & Yang 2024, arXiv 2402.11148
    wttm        the same, each row times its sum q^g                                    Zheng & Yang 2024, arXiv 2402.11148
    mlkd        sum over tau of tau^2 KL + classes |P'P - Q'Q|^2 / C                    Jin et al. 2023, CVPR
                                         + batch |PP' - QQ'|^2 / B
    standardise (z - mean) / (unbiased deviation + 1e-7), then the loss                 Sun et al. 2024, arXiv 2403.01427

with p = softmax(z / T), q = softmax(t / T), p^ and q^ renormalised without the label; means over the rows of a batch.
"""

import json
import pathlib

import numpy as np

SPECS = [
    {'kind': 'kl'},
    {'kind': 'kl', 'standardise': True},
    {'kind': 'reverse-kl'},
    {'kind': 'reverse-kl', 'standardise': True},
    {'kind': 'mse'},
    {'kind': 'dkd'},
    {'kind': 'dkd', 'alpha': 0.5, 'beta': 2, 'standardise': True},
    {'kind': 'nkd'},
    {'kind': 'nkd', 'gamma': 0.5},
    {'kind': 'dist'},
    {'kind': 'dist', 'beta': 2, 'gamma': 0.5},
    {'kind': 'ttm'},
    {'kind': 'ttm', 'exponent': 0.1},
    {'kind': 'wttm'},
    {'kind': 'wttm', 'exponent': 0.2},
    {'kind': 'mlkd'},
    {'kind': 'mlkd', 'scales': [0.25, 2], 'classes': 3, 'batch': 0.5, 'standardise': True},
]


def softmax(z):
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def kl(q, p):
    """Of each row."""
    return (q * np.log(q / p)).sum(axis=1)


def standardised(z):
    return (z - z.mean(axis=1, keepdims=True)) / (z.std(axis=1, ddof=1, keepdims=True) + 1e-7)


def without(p, labels):
    """The probabilities of the other classes among themselves."""
    rows = [np.delete(row, label) for row, label in zip(p, labels)]
    return np.stack([row / row.sum() for row in rows])


def at_label(p, labels):
    return p[np.arange(len(labels)), labels]


def binary(p, labels):
    # The sum of the others, not 1 - p_y: that would round.
    others = [np.delete(row, label).sum() for row, label in zip(p, labels)]
    return np.stack([at_label(p, labels), others], axis=1)


def pearson(u, v):
    u, v = u - u.mean(), v - v.mean()
    return (u @ v) / np.sqrt((u @ u) * (v @ v))


def loss(spec, z, t, labels, T):
    kind = spec['kind']
    rows, classes = z.shape
    raw_z, raw_t = z, t
    if spec.get('standardise'):
        z, t = standardised(z), standardised(t)
    p, q = softmax(z / T), softmax(t / T)
    if kind == 'kl':
        return T**2 * kl(q, p).mean()
    if kind == 'reverse-kl':
        return T**2 * kl(p, q).mean()
    if kind == 'mse':
        return ((z - t) ** 2).mean()
    if kind == 'dkd':
        label_part = kl(binary(q, labels), binary(p, labels)).mean()
        other_part = kl(without(q, labels), without(p, labels)).mean()
        return T**2 * (spec.get('alpha', 1) * label_part + spec.get('beta', 8) * other_part)
    if kind == 'nkd':
        label_part = -(at_label(softmax(t), labels) * np.log(at_label(softmax(z), labels))).mean()
        other_part = -(without(q, labels) * np.log(without(p, labels))).sum(axis=1).mean()
        return label_part + spec.get('gamma', 1.5) * T**2 * other_part
    if kind == 'dist':
        by_row = np.mean([pearson(u, v) for u, v in zip(p, q)])
        by_column = np.mean([pearson(u, v) for u, v in zip(p.T, q.T)])
        return T**2 * (spec.get('beta', 1) * (1 - by_row) + spec.get('gamma', 1) * (1 - by_column))
    if kind in ('ttm', 'wttm'):
        power = softmax(t) ** spec.get('exponent', 1 / T)
        sums = power.sum(axis=1)
        each = kl(power / sums[:, None], softmax(z))
        return (each * sums if kind == 'wttm' else each).mean()
    if kind == 'mlkd':
        total = 0
        for scale in spec.get('scales', [0.5, 0.75, 1, 1.25, 1.5]):
            tau = scale * T
            total += tau**2 * kl(softmax(t / tau), softmax(z / tau)).mean()
            p, q = softmax(raw_z / tau), softmax(raw_t / tau)
            total += spec.get('classes', 1) * ((p.T @ p - q.T @ q) ** 2).sum() / classes
            total += spec.get('batch', 1) * ((p @ p.T - q @ q.T) ** 2).sum() / rows
        return total
    raise ValueError(kind)


def gradient(spec, z, t, labels, T, step=1e-5):
    result = np.zeros_like(z)
    for place in np.ndindex(z.shape):
        moved = [z.copy(), z.copy()]
        moved[0][place] += step
        moved[1][place] -= step
        above, below = (loss(spec, each, t, labels, T) for each in moved)
        result[place] = (above - below) / (2 * step)
    return result


def case(seed, rows, classes, deviation, T):
    random = np.random.default_rng(seed)
    # What float32 holds, so that both sides start from the same numbers.
    logits, target = (random.normal(0, deviation, (rows, classes)).astype(np.float32) for _ in range(2))
    labels = random.integers(0, classes, rows)
    return {'temperature': T, 'labels': labels, 'logits': logits.astype(float), 'target': target.astype(float)}


CASES = {
    'ordinary logits': case(1, 4, 6, 2, 4),
    'two classes': case(2, 3, 2, 2, 2),
    'temperature 1': case(3, 5, 3, 1.5, 1),
    'large logits': case(4, 3, 5, 8, 3),
}


def listed(numbers):
    return [float(f'{x:.9g}') for x in np.ravel(numbers)]


def main():
    golden = {'cases': {}, 'losses': []}
    for name, inputs in CASES.items():
        golden['cases'][name] = {
            'temperature': inputs['temperature'],
            'labels': [int(label) for label in inputs['labels']],
            'classes': inputs['logits'].shape[1],
            'logits': listed(inputs['logits']),
            'target': listed(inputs['target']),
        }
    for spec in SPECS:
        results = {}
        for name, inputs in CASES.items():
            z, t, labels, T = (inputs[key] for key in ('logits', 'target', 'labels', 'temperature'))
            value = loss(spec, z, t, labels, T)
            results[name] = {'value': listed(value)[0], 'gradient': listed(gradient(spec, z, t, labels, T))}
        golden['losses'].append({'spec': spec, 'results': results})
    path = pathlib.Path(__file__).with_suffix('.json')
    path.write_text(json.dumps(golden, indent=2) + '\n')


if __name__ == '__main__':
    main()
