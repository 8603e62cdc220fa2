"""Two whole training steps of a ResNet-8, computed a second time: numpy, float64, no framework, backward pass by hand.

The tests compare the engine with the numbers that this wrote once. It is run by hand, never by the build:

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install numpy==2.4.6
    /tmp/golden/bin/python test/golden/resnet8_step.py --check     # gradients against finite differences
    /tmp/golden/bin/python test/golden/resnet8_step.py             # writes resnet8_step.safetensors and .json beside it

The step: uint8 images to (x / 255 - 0.5) / 0.25; ResNet-8 of width 4 (He et al. 2016), kernels HWIO, activations NHWC, SAME
padding as TensorFlow's; batch norm with epsilon 1e-5 that normalises by the biased variance and keeps moving statistics with
momentum 0.9 of the unbiased one; loss = CE(labels) + 0.7 T^2 KL(peer || own), T = 3, + 0.4 T^2 KL(anchor || own), T = 2,
means over the batch; gradients clipped to a global norm of 1.5 by min(1, 1.5 / (norm + 1e-6)); then, apart from each other,
  sgd    L2 of 5e-4 added to the clipped gradients of kernels, a = 0.9 a + g, p -= rate (g + 0.9 a), rates 0.1 and 0.05
  adamw  decay of kernels by p *= 1 - rate 0.01, betas 0.9 and 0.999, epsilon 1e-8 outside the root, rates 0.01 and 0.005

Tensors of the file (float32 but for images, uint8, and labels, int32; <n> is 1 or 2, a state is the one after step <n>):
  input/<n>/images [6, 8, 8, 1], labels [6], peer [6, 5], anchor [6, 5];   initial/<param>
  sgd/<n>/logits [6, 5], sgd/<n>/<param>, sgd/<n>/<param>/momentum
  adamw/<n>/logits, adamw/<n>/<param>; and after step 2 only, which needs both: adamw/2/<param>/m, adamw/2/<param>/v
<param> is such as conv0/kernel, stage2/block0/shortcut_bn/gamma, classifier/bias, and moving statistics count as params.
The JSON has the settings and, by optimizer and step, the learning rate, the weighted terms of the loss and the gradient norm
before clipping.
"""

import json
import pathlib
import re
import sys

import numpy as np

WIDTHS = (4, 4, 8, 16)
CLASSES = 5
BATCH = 6
SIDE = 8
SETTINGS = {
    'mean': 0.5, 'std': 0.25, 'epsilon': 1e-5, 'moving': 0.9, 'clipNorm': 1.5,
    'terms': {'task': 1.0, 'peer': {'weight': 0.7, 'temperature': 3.0}, 'anchor': {'weight': 0.4, 'temperature': 2.0}},
    'sgd': {'momentum': 0.9, 'nesterov': True, 'weightDecay': 5e-4},
    'adamw': {'beta1': 0.9, 'beta2': 0.999, 'epsilon': 1e-8, 'weightDecay': 0.01},
}
RATES = {'sgd': (0.1, 0.05), 'adamw': (0.01, 0.005)}
STATISTICS = ('/moving_mean', '/moving_variance')


# Layers. Each returns its output and a function from the output's gradient to (input's gradient, {param: gradient}).


def convolution(x, params, name, stride=1):
    kernel = params[f'{name}/kernel']
    size = kernel.shape[0]
    out = -(-x.shape[1] // stride)
    total = max((out - 1) * stride + size - x.shape[1], 0)
    before = total // 2
    pad = ((0, 0), (before, total - before), (before, total - before), (0, 0))
    padded = np.pad(x, pad)
    reach = (out - 1) * stride + 1
    taps = [(i, j) for i in range(size) for j in range(size)]

    def window(a, i, j):
        return a[:, i:i + reach:stride, j:j + reach:stride]

    y = sum(window(padded, i, j) @ kernel[i, j] for i, j in taps)

    def backward(dy):
        d_kernel, d_padded = np.zeros_like(kernel), np.zeros_like(padded)
        for i, j in taps:
            d_kernel[i, j] = np.einsum('bhwi,bhwo->io', window(padded, i, j), dy)
            window(d_padded, i, j)[...] += dy @ kernel[i, j].T
        return d_padded[:, before:before + x.shape[1], before:before + x.shape[2]], {f'{name}/kernel': d_kernel}

    return y, backward


def batch_norm(x, params, name, moved):
    gamma, beta = params[f'{name}/gamma'], params[f'{name}/beta']
    n = x.size // x.shape[-1]
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    keep = SETTINGS['moving']
    moved[f'{name}/moving_mean'] = keep * params[f'{name}/moving_mean'] + (1 - keep) * mean
    moved[f'{name}/moving_variance'] = keep * params[f'{name}/moving_variance'] + (1 - keep) * variance * n / (n - 1)
    scale = 1 / np.sqrt(variance + SETTINGS['epsilon'])
    normal = (x - mean) * scale

    def backward(dy):
        d_gamma, d_beta = (dy * normal).sum((0, 1, 2)), dy.sum((0, 1, 2))
        dx = gamma * scale * (dy - d_beta / n - normal * d_gamma / n)
        return dx, {f'{name}/gamma': d_gamma, f'{name}/beta': d_beta}

    return gamma * normal + beta, backward


def relu(x):
    return np.maximum(x, 0), lambda dy: (dy * (x > 0), {})


def chain(x, *layers):
    """Layers one after the other, as one."""
    backwards = []
    for layer in layers:
        x, backward = layer(x)
        backwards.append(backward)

    def backward_all(dy):
        gradients = {}
        for backward in reversed(backwards):
            dy, own = backward(dy)
            gradients |= own
        return dy, gradients

    return x, backward_all


def block(x, params, name, stride, moved):
    def conv(part, stride=1):
        return lambda a: convolution(a, params, f'{name}/{part}', stride)

    def norm(part):
        return lambda a: batch_norm(a, params, f'{name}/{part}', moved)

    main, main_backward = chain(x, conv('conv1', stride), norm('bn1'), relu, conv('conv2'), norm('bn2'))
    short, short_backward = x, lambda dy: (dy, {})
    if f'{name}/shortcut/kernel' in params:
        short, short_backward = chain(x, conv('shortcut', stride), norm('shortcut_bn'))
    y, relu_backward = relu(main + short)

    def backward(dy):
        dy, _ = relu_backward(dy)
        (d_main, of_main), (d_short, of_short) = main_backward(dy), short_backward(dy)
        return d_main + d_short, of_main | of_short

    return y, backward


def classify(x, params):
    pooled = x.mean((1, 2))
    kernel = params['classifier/kernel']

    def backward(dz):
        d_pooled = dz @ kernel.T / (x.shape[1] * x.shape[2])
        dx = np.broadcast_to(d_pooled[:, None, None, :], x.shape)
        return dx, {'classifier/kernel': pooled.T @ dz, 'classifier/bias': dz.sum(0)}

    return pooled @ kernel + params['classifier/bias'], backward


def network(images, params):
    """Logits, their backward pass, and the moving statistics after this batch."""
    moved = {}
    x = (images / 255.0 - SETTINGS['mean']) / SETTINGS['std']
    logits, backward = chain(
        x,
        lambda a: convolution(a, params, 'conv0'),
        lambda a: batch_norm(a, params, 'bn0', moved),
        relu,
        *(lambda a, s=s: block(a, params, f'stage{s}/block0', 1 if s == 1 else 2, moved) for s in (1, 2, 3)),
        lambda a: classify(a, params),
    )
    return logits, backward, moved


# The objective and its gradient with respect to the logits.


def log_softmax(z):
    z = z - z.max(1, keepdims=True)
    return z - np.log(np.exp(z).sum(1, keepdims=True))


def objective(logits, given):
    terms, gradient = {}, np.zeros_like(logits)
    rows = np.arange(len(logits))
    weight = SETTINGS['terms']['task']
    own = log_softmax(logits)
    terms['task'] = -weight * own[rows, given['labels']].mean()
    gradient += weight * (np.exp(own) - np.eye(logits.shape[1])[given['labels']]) / len(logits)
    for part in ('peer', 'anchor'):
        weight, t = SETTINGS['terms'][part]['weight'], SETTINGS['terms'][part]['temperature']
        target, own = log_softmax(given[part] / t), log_softmax(logits / t)
        terms[part] = weight * t * t * (np.exp(target) * (target - own)).sum(1).mean()
        gradient += weight * t * (np.exp(own) - np.exp(target)) / len(logits)
    return terms, gradient


def gradients_of(params, given):
    """Everything that both optimizers share: logits, terms, gradients before clipping, moving statistics."""
    logits, backward, moved = network(given['images'], params)
    terms, d_logits = objective(logits, given)
    return logits, terms, backward(d_logits)[1], moved


# Optimizers: (params, clipped gradients, slots, step from 1) to (params, slots).


def sgd(params, gradients, slots, step):
    own = SETTINGS['sgd']
    rate, new, kept = RATES['sgd'][step - 1], {}, {}
    for name, g in gradients.items():
        if name.endswith('/kernel'):
            g = g + own['weightDecay'] * params[name]
        a = own['momentum'] * slots.get(f'{name}/momentum', 0) + g
        new[name], kept[f'{name}/momentum'] = params[name] - rate * (g + own['momentum'] * a), a
    return new, kept


def adamw(params, gradients, slots, step):
    own = SETTINGS['adamw']
    rate, new, kept = RATES['adamw'][step - 1], {}, {}
    for name, g in gradients.items():
        m = own['beta1'] * slots.get(f'{name}/m', 0) + (1 - own['beta1']) * g
        v = own['beta2'] * slots.get(f'{name}/v', 0) + (1 - own['beta2']) * g * g
        decayed = params[name] * (1 - rate * own['weightDecay'] if name.endswith('/kernel') else 1)
        root = np.sqrt(v / (1 - own['beta2'] ** step)) + own['epsilon']
        new[name] = decayed - rate * m / (1 - own['beta1'] ** step) / root
        kept[f'{name}/m'], kept[f'{name}/v'] = m, v
    return new, kept


def train(optimize, params, inputs):
    slots = {}
    for step, given in enumerate(inputs, start=1):
        logits, terms, gradients, moved = gradients_of(params, given)
        norm = np.sqrt(sum((g * g).sum() for g in gradients.values()))
        scale = min(1.0, SETTINGS['clipNorm'] / (norm + 1e-6))
        updated, slots = optimize(params, {name: g * scale for name, g in gradients.items()}, slots, step)
        params = updated | moved
        yield {'logits': logits, 'terms': terms, 'gradientNorm': norm, 'params': params, 'slots': slots}


# Inputs. All are float32 values from the start, so that a float32 engine begins with the same numbers.


def single(a):
    return np.asarray(a, np.float32).astype(np.float64)


def initial_params(random):
    params = {}

    def kernel(name, *shape):
        params[f'{name}/kernel'] = single(random.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape))

    def norm(name, channels):
        params[f'{name}/gamma'] = single(random.uniform(0.8, 1.2, channels))
        params[f'{name}/beta'] = single(random.uniform(-0.1, 0.1, channels))
        params[f'{name}/moving_mean'] = single(random.uniform(-0.1, 0.1, channels))
        params[f'{name}/moving_variance'] = single(random.uniform(0.8, 1.2, channels))

    kernel('conv0', 3, 3, 1, WIDTHS[0])
    norm('bn0', WIDTHS[0])
    for stage in (1, 2, 3):
        before, after = WIDTHS[stage - 1], WIDTHS[stage]
        name = f'stage{stage}/block0'
        kernel(f'{name}/conv1', 3, 3, before, after)
        norm(f'{name}/bn1', after)
        kernel(f'{name}/conv2', 3, 3, after, after)
        norm(f'{name}/bn2', after)
        if stage > 1:
            kernel(f'{name}/shortcut', 1, 1, before, after)
            norm(f'{name}/shortcut_bn', after)
    kernel('classifier', WIDTHS[3], CLASSES)
    params['classifier/bias'] = single(random.uniform(-0.1, 0.1, CLASSES))
    return params


def batch(random):
    return {
        'images': random.integers(0, 256, (BATCH, SIDE, SIDE, 1)).astype(np.uint8),
        'labels': random.integers(0, CLASSES, BATCH).astype(np.int32),
        'peer': single(random.normal(0, 3, (BATCH, CLASSES))),
        'anchor': single(random.normal(0, 3, (BATCH, CLASSES))),
    }


def check(params, given, random):
    """Compares the backward pass with central differences, at up to 12 places of each param."""
    def loss(changed):
        return sum(gradients_of(changed, given)[1].values())

    gradients = gradients_of(params, given)[2]
    expected_names = {name for name in params if not name.endswith(STATISTICS)}
    assert set(gradients) == expected_names, set(gradients) ^ expected_names
    worst, places = 0.0, 0
    for name, gradient in gradients.items():
        for place in random.permutation(gradient.size)[:12]:
            index, h = np.unravel_index(place, gradient.shape), 1e-6
            up, down = params[name].copy(), params[name].copy()
            up[index] += h
            down[index] -= h
            numeric = (loss(params | {name: up}) - loss(params | {name: down})) / (2 * h)
            error = abs(numeric - gradient[index]) / max(1e-3, abs(numeric))
            assert error < 1e-5, f'{name}{list(index)}: {gradient[index]} by hand, {numeric} by differences'
            worst, places = max(worst, error), places + 1
    print(f'{places} derivatives of {len(gradients)} params agree, worst relative error {worst:.1e}')


def write_safetensors(path, tensors):
    """The format of github.com/huggingface/safetensors: larger types first, no gaps, header a multiple of 8 bytes."""
    types = {'float32': 'F32', 'int32': 'I32', 'uint8': 'U8'}
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].dtype.itemsize, item[0]))
    header, offset = {}, 0
    for name, a in ordered:
        header[name] = {'dtype': types[a.dtype.name], 'shape': a.shape, 'data_offsets': [offset, offset + a.nbytes]}
        offset += a.nbytes
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, 'little') + text + b''.join(a.tobytes() for _, a in ordered))


def main():
    random = np.random.default_rng(20230524)
    params = initial_params(random)
    inputs = [batch(random), batch(random)]
    if sys.argv[1:] == ['--check']:
        check(params, inputs[0], random)
        return
    arrays = {f'initial/{name}': a for name, a in params.items()}
    for step, given in enumerate(inputs, start=1):
        arrays |= {f'input/{step}/{name}': a for name, a in given.items()}
    scalars = {'settings': SETTINGS, 'sgd': [], 'adamw': []}
    for name, optimize in (('sgd', sgd), ('adamw', adamw)):
        for step, state in enumerate(train(optimize, params, inputs), start=1):
            arrays[f'{name}/{step}/logits'] = state['logits']
            arrays |= {f'{name}/{step}/{param}': a for param, a in state['params'].items()}
            if name == 'sgd' or step == 2:
                arrays |= {f'{name}/{step}/{slot}': a for slot, a in state['slots'].items()}
            rate = RATES[name][step - 1]
            scalars[name].append({'learningRate': rate, 'terms': state['terms'], 'gradientNorm': state['gradientNorm']})
    path = pathlib.Path(__file__)
    singles = {name: a.astype(np.float32) if a.dtype == np.float64 else a for name, a in arrays.items()}
    write_safetensors(path.with_suffix('.safetensors'), singles)
    # 1e-08 becomes 1e-8, as the formatter of this repository writes it.
    text = re.sub(r'e-0(\d)', r'e-\1', json.dumps(scalars, indent=2))
    path.with_suffix('.json').write_text(text + '\n')


if __name__ == '__main__':
    main()
