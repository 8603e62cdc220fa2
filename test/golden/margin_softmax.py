"""Margin softmax with its gradients, computed a second time: numpy, float64, no framework, backward pass by hand.

The tests compare the engine with the numbers that this wrote once. It is run by hand, never by the build:

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install numpy==2.4.6
    /tmp/golden/bin/python test/golden/margin_softmax.py --check     # gradients against finite differences
    /tmp/golden/bin/python test/golden/margin_softmax.py             # writes margin_softmax.json beside it, for `make fix`

Embeddings [8, 5] and a kernel [5, 6] are normalised, logits are s cos, the angle of the label grows by the margin, and the loss is the mean of
-ln softmax at the label. In the first row the angle and the margin of ArcFace are together more than pi: it continues as cos - m sin m. The
second embedding is 0.999 of the way to the weight of its label.

The JSON has the inputs, and for each spec the logits without a margin, the loss, and its gradients for embeddings and kernel.
"""

import json
import pathlib
import sys

import numpy as np

ROWS, DIMENSION, CLASSES = 8, 5, 6
SPECS = [
    {'kind': 'arcface', 'margin': 0.5, 'scale': 64},
    {'kind': 'arcface', 'margin': 0.3, 'scale': 10},
    {'kind': 'cosface', 'margin': 0.35, 'scale': 64},
    {'kind': 'cosface', 'margin': 0.2, 'scale': 10},
    {'kind': 'softmax', 'scale': 16},
]


def normalise(x, axis):
    length = np.linalg.norm(x, axis=axis, keepdims=True)
    unit = x / length

    def backward(d):
        return (d - unit * (d * unit).sum(axis, keepdims=True)) / length

    return unit, backward


def margin_of(spec, cosine):
    """The cosine with its margin, and the derivative of one for the other."""
    if spec['kind'] == 'softmax':
        return cosine, np.ones_like(cosine)
    m = spec['margin']
    if spec['kind'] == 'cosface':
        return cosine - m, np.ones_like(cosine)
    angle = np.arccos(cosine)
    inside = angle + m < np.pi
    moved = np.where(inside, np.cos(angle + m), cosine - m * np.sin(m))
    return moved, np.where(inside, np.sin(angle + m) / np.sin(angle), 1.0)


def loss_of(embeddings, kernel, labels, spec):
    unit_embeddings, back_embeddings = normalise(embeddings, 1)
    unit_kernel, back_kernel = normalise(kernel, 0)
    cosines = unit_embeddings @ unit_kernel
    rows, s = np.arange(ROWS), spec['scale']
    moved, slope = margin_of(spec, cosines[rows, labels])
    logits = s * cosines
    harder = logits.copy()
    harder[rows, labels] = s * moved
    shifted = harder - harder.max(1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    loss = -log_p[rows, labels].mean()
    d = (np.exp(log_p) - np.eye(CLASSES)[labels]) / ROWS * s
    d[rows, labels] *= slope
    return loss, logits, back_embeddings(d @ unit_kernel.T), back_kernel(unit_embeddings.T @ d)


def inputs():
    random = np.random.default_rng(5)
    kernel = random.normal(0, 1, (DIMENSION, CLASSES))
    embeddings = random.normal(0, 2, (ROWS, DIMENSION))
    labels = random.integers(0, CLASSES, ROWS)
    embeddings[0] = -3 * kernel[:, labels[0]] + 0.1 * random.normal(0, 1, DIMENSION)
    weight = kernel[:, labels[1]]
    embeddings[1] = 0.999 * weight + 0.001 * embeddings[1]
    single = lambda a: a.astype(np.float32).astype(np.float64)
    return single(embeddings), single(kernel), labels


def check(embeddings, kernel, labels):
    for spec in SPECS:
        _, _, d_embeddings, d_kernel = loss_of(embeddings, kernel, labels, spec)
        for name, array, gradient in (('embeddings', embeddings, d_embeddings), ('kernel', kernel, d_kernel)):
            worst = 0.0
            for place in np.ndindex(array.shape):
                value = array[place]
                array[place] = value + 1e-6
                above = loss_of(embeddings, kernel, labels, spec)[0]
                array[place] = value - 1e-6
                below = loss_of(embeddings, kernel, labels, spec)[0]
                array[place] = value
                worst = max(worst, abs((above - below) / 2e-6 - gradient[place]))
            print(spec, name, f'{worst:.1e}')


def main():
    embeddings, kernel, labels = inputs()
    if '--check' in sys.argv:
        return check(embeddings, kernel, labels)
    results = []
    for spec in SPECS:
        loss, logits, d_embeddings, d_kernel = loss_of(embeddings, kernel, labels, spec)
        gradients = {'embeddings': d_embeddings.ravel().tolist(), 'kernel': d_kernel.ravel().tolist()}
        results.append({'spec': spec, 'logits': logits.ravel().tolist(), 'loss': float(loss), 'gradients': gradients})
    golden = {
        'rows': ROWS, 'dimension': DIMENSION, 'classes': CLASSES, 'labels': labels.tolist(),
        'embeddings': embeddings.ravel().tolist(), 'kernel': kernel.ravel().tolist(), 'results': results,
    }
    pathlib.Path(__file__).with_suffix('.json').write_text(json.dumps(golden, indent=1) + '\n')


if __name__ == '__main__':
    main()
