"""Logits and losses of our networks, computed a second time with PyTorch in float64.

The tests compare the engine with the numbers that this wrote once. It is run by hand, never by the build, with the PyTorch of
`make bench`:

    ~/.cache/trikd/pytorch-2.15.0/bin/python test/golden/model_forward.py      # writes model_forward.json beside it

Each network is written here after the PyTorch code that its tables come from (padding=1, NCHW), not after ours. Its params and images are
drawn from a generator that both sides have, so the file holds logits alone. A tensor is named as ours, and its numbers are drawn in the
order of TensorFlow's layout (kernels HWIO, depthwise kernels HWC1, dense kernels IO), uniform in

  kernels         +- sqrt(6 / inputs of an output)
  gamma           1 +- 0.25            beta, bias, moving_mean   +- 0.25            moving_variance   1 +- 0.5

The JSON has for each case its spec, the shape of its images, its number of params with those of batch norm, and the logits with the moving
statistics (`eval`) and with those of the batch (`train`).
"""

import json
import math
import pathlib
import zlib

import torch
import torch.nn.functional as F

BATCH, CLASSES = 3, 5


def uniform(name, count):
    """Marsaglia's xorshift from a seed that the name decides: numbers in [-1, 1)."""
    state = zlib.crc32(name.encode()) or 1
    for _ in range(count):
        state ^= (state << 13) & 0xffffffff
        state ^= state >> 17
        state ^= (state << 5) & 0xffffffff
        yield state / 0x80000000 - 1


def drawn(name, shape, scale=1.0, middle=0.0):
    values = torch.tensor(list(uniform(name, math.prod(shape))), dtype=torch.float64)
    # Params are stored in single precision.
    return (middle + scale * values).to(torch.float32).to(torch.float64).reshape(shape)


class Net:
    """The layers that the networks below call, with params that are drawn when they are first used."""

    def __init__(self, training):
        self.training = training
        self.params = 0

    def draw(self, name, shape, scale, middle=0.0):
        self.params += math.prod(shape)
        return drawn(name, shape, scale, middle)

    def conv(self, x, name, out, k=3, stride=1, bias=False):
        inputs = x.shape[1]
        kernel = self.draw(f'{name}/kernel', (k, k, inputs, out), math.sqrt(6 / (k * k * inputs))).permute(3, 2, 0, 1)
        b = self.draw(f'{name}/bias', (out,), 0.25) if bias else None
        return F.conv2d(x, kernel, b, stride=stride, padding=k // 2)

    def depthwise(self, x, name, stride=1):
        channels = x.shape[1]
        kernel = self.draw(f'{name}/depthwise_kernel', (3, 3, channels, 1), math.sqrt(6 / 9)).permute(2, 3, 0, 1)
        return F.conv2d(x, kernel, stride=stride, padding=1, groups=channels)

    def bn(self, x, name):
        shape = (x.shape[1],)
        gamma, beta = self.draw(f'{name}/gamma', shape, 0.25, 1), self.draw(f'{name}/beta', shape, 0.25)
        mean, var = self.draw(f'{name}/moving_mean', shape, 0.25), self.draw(f'{name}/moving_variance', shape, 0.5, 1)
        return F.batch_norm(x, mean, var, gamma, beta, training=self.training, momentum=0.1, eps=1e-5)

    def linear(self, x, name, out):
        inputs = x.shape[1]
        kernel = self.draw(f'{name}/kernel', (inputs, out), math.sqrt(6 / inputs))
        return x @ kernel + self.draw(f'{name}/bias', (out,), 0.25)


def pooled(x):
    return F.adaptive_avg_pool2d(x, 1).flatten(1)


def resnet(net, x, depth, width, padding):
    assert padding == 'symmetric'
    x = F.relu(net.bn(net.conv(x, 'conv0', width), 'bn0'))
    for stage in (1, 2, 3):
        for block in range((depth - 2) // 6):
            name, out, stride = f'stage{stage}/block{block}', width * 2 ** (stage - 1), 2 if stage > 1 and block == 0 else 1
            y = F.relu(net.bn(net.conv(x, f'{name}/conv1', out, stride=stride), f'{name}/bn1'))
            y = net.bn(net.conv(y, f'{name}/conv2', out), f'{name}/bn2')
            if stride != 1 or x.shape[1] != out:
                x = net.bn(net.conv(x, f'{name}/shortcut', out, k=1, stride=stride), f'{name}/shortcut_bn')
            x = F.relu(x + y)
    return pooled(x)


def wrn(net, x, depth, widen):
    x = net.conv(x, 'conv0', 16)
    for stage, (width, stride) in enumerate(((16, 1), (32, 2), (64, 2)), start=1):
        for block in range((depth - 4) // 6):
            name, out, s = f'stage{stage}/block{block}', width * widen, stride if block == 0 else 1
            activated = F.relu(net.bn(x, f'{name}/bn1'))
            y = net.conv(activated, f'{name}/conv1', out, stride=s)
            y = net.conv(F.relu(net.bn(y, f'{name}/bn2')), f'{name}/conv2', out)
            x = y + (x if x.shape[1] == out else net.conv(activated, f'{name}/shortcut', out, k=1, stride=s))
    return pooled(F.relu(net.bn(x, 'bn')))


def vgg(net, x, depth):
    blocks = {8: (1, 1, 1, 1, 1), 11: (1, 1, 2, 2, 2)}[depth]
    side = min(x.shape[2:])
    for block, (count, out) in enumerate(zip(blocks, (64, 128, 256, 512, 512))):
        for i in range(count):
            x = F.relu(net.bn(net.conv(x, f'block{block}/conv{i}', out, bias=True), f'block{block}/bn{i}'))
        if block < 3 or (block == 3 and side >= 64):
            x = F.max_pool2d(x, 2)
    return pooled(x)


def divisible(v, divisor=8):
    new = max(divisor, int(v + divisor / 2) // divisor * divisor)
    return new + divisor if new < 0.9 * v else new


def mobilenet_v2(net, x, width, variant):
    imagenet = variant == 'imagenet'
    act = F.relu6 if imagenet else F.relu
    channels = (lambda c: divisible(c * width)) if imagenet else (lambda c: int(c * width))
    x = act(net.bn(net.conv(x, 'stem/conv', channels(32), stride=2), 'stem/bn'))
    table = ((1, 16, 1, 1), (6, 24, 2, 2 if imagenet else 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for stage, (t, c, n, s) in enumerate(table, start=1):
        for block in range(n):
            name, inputs, out, stride = f'stage{stage}/block{block}', x.shape[1], channels(c), s if block == 0 else 1
            y = x
            if t != 1 or not imagenet:
                y = act(net.bn(net.conv(y, f'{name}/expand', inputs * t, k=1), f'{name}/expand_bn'))
            y = act(net.bn(net.depthwise(y, f'{name}/depthwise', stride), f'{name}/depthwise_bn'))
            y = net.bn(net.conv(y, f'{name}/project', out, k=1), f'{name}/project_bn')
            x = x + y if stride == 1 and inputs == out else y
    return pooled(act(net.bn(net.conv(x, 'last/conv', channels(1280) if width > 1 else 1280, k=1), 'last/bn')))


def unit(net, x, name, out, k=1, stride=1):
    return F.relu(net.bn(net.conv(x, f'{name}/conv', out, k=k, stride=stride), f'{name}/bn'))


def shuffled(x):
    n, c, h, w = x.shape
    return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


def shufflenet_v2(net, x, width, variant):
    stages = {0.5: (48, 96, 192), 1: (116, 232, 464)}[width]

    def right(y, name, out, stride):
        y = unit(net, y, f'{name}/right/first', out)
        y = net.bn(net.depthwise(y, f'{name}/right/depthwise', stride), f'{name}/right/depthwise_bn')
        return unit(net, y, f'{name}/right/last', out)

    if variant == 'imagenet':
        x = F.max_pool2d(unit(net, x, 'stem', 24, k=3, stride=2), 3, stride=2, padding=1)
    else:
        x = unit(net, x, 'stem', 24)
    for stage, (out, blocks) in enumerate(zip(stages, (4, 8, 4)), start=1):
        for block in range(blocks):
            name = f'stage{stage}/block{block}'
            if block == 0:
                left = net.bn(net.depthwise(x, f'{name}/left/depthwise', 2), f'{name}/left/depthwise_bn')
                left = unit(net, left, f'{name}/left/last', out // 2)
                x = torch.cat([left, right(x, name, out // 2, 2)], 1)
            else:
                a, b = x.chunk(2, 1)
                x = torch.cat([a, right(b, name, out // 2, 1)], 1)
            x = shuffled(x)
    return pooled(unit(net, x, 'last', 1024))


def resnet_imagenet(net, x, depth, width, stem):
    if stem == '7x7':
        x = F.max_pool2d(unit(net, x, 'stem', width, k=7, stride=2), 3, stride=2, padding=1)
    else:
        x = unit(net, x, 'stem', width, k=3)
    deep = depth >= 50
    for stage, blocks in enumerate({18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}[depth], start=1):
        for block in range(blocks):
            name, planes = f'stage{stage}/block{block}', width * 2 ** (stage - 1)
            stride = 2 if stage > 1 and block == 0 else 1
            out = planes * 4 if deep else planes
            if deep:
                y = F.relu(net.bn(net.conv(x, f'{name}/conv1', planes, k=1), f'{name}/bn1'))
                y = F.relu(net.bn(net.conv(y, f'{name}/conv2', planes, stride=stride), f'{name}/bn2'))
                y = net.bn(net.conv(y, f'{name}/conv3', out, k=1), f'{name}/bn3')
            else:
                y = F.relu(net.bn(net.conv(x, f'{name}/conv1', planes, stride=stride), f'{name}/bn1'))
                y = net.bn(net.conv(y, f'{name}/conv2', planes), f'{name}/bn2')
            if stride != 1 or x.shape[1] != out:
                x = net.bn(net.conv(x, f'{name}/shortcut', out, k=1, stride=stride), f'{name}/shortcut_bn')
            x = F.relu(x + y)
    return pooled(x)


def vit(net, x, patch, width, depth, heads):
    inputs = x.shape[1]
    kernel = net.draw('patches/kernel', (patch, patch, inputs, width), math.sqrt(6 / (patch * patch * inputs))).permute(3, 2, 0, 1)
    x = F.conv2d(x, kernel, net.draw('patches/bias', (width,), 0.25), stride=patch)
    batch, _, rows, columns = x.shape
    y, z = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing='ij')
    omega = 1.0 / 10000 ** (torch.arange(width // 4, dtype=torch.float64) / (width // 4 - 1))
    y, z = y.flatten()[:, None] * omega, z.flatten()[:, None] * omega
    x = x.flatten(2).transpose(1, 2) + torch.cat([z.sin(), z.cos(), y.sin(), y.cos()], 1)

    def norm(x, name):
        gamma, beta = net.draw(f'{name}/gamma', (width,), 0.25, 1), net.draw(f'{name}/beta', (width,), 0.25)
        return F.layer_norm(x, (width,), gamma, beta, eps=1e-6)

    def dense(x, name, out):
        return net.linear(x.reshape(-1, x.shape[-1]), name, out).reshape(*x.shape[:-1], out)

    for block in range(depth):
        name = f'block{block}'
        qkv = dense(norm(x, f'{name}/norm1'), f'{name}/qkv', 3 * width)
        q, k, v = (part.reshape(batch, -1, heads, width // heads).transpose(1, 2) for part in qkv.chunk(3, -1))
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, -1, width)
        x = x + dense(mixed, f'{name}/projection', width)
        x = x + dense(F.gelu(dense(norm(x, f'{name}/norm2'), f'{name}/hidden', 4 * width)), f'{name}/output', width)
    return norm(x, 'norm').mean(1)


NETWORKS = {
    'resnet': resnet, 'wrn': wrn, 'vgg': vgg, 'mobilenet-v2': mobilenet_v2, 'shufflenet-v2': shufflenet_v2, 'resnet-imagenet': resnet_imagenet,
    'vit': vit,
}

# Even and odd sides: symmetric padding and TensorFlow's own differ on even ones alone.
CASES = [
    ({'kind': 'resnet', 'depth': 14, 'width': 8, 'padding': 'symmetric'}, (12, 15, 3)),
    ({'kind': 'wrn', 'depth': 16, 'widen': 2}, (12, 10, 3)),
    ({'kind': 'wrn', 'depth': 10, 'widen': 1}, (9, 8, 1)),
    ({'kind': 'vgg', 'depth': 8}, (17, 18, 3)),
    ({'kind': 'vgg', 'depth': 11}, (64, 65, 1)),
    ({'kind': 'mobilenet-v2', 'width': 0.5, 'variant': 'cifar'}, (32, 32, 3)),
    ({'kind': 'mobilenet-v2', 'width': 0.35, 'variant': 'imagenet'}, (64, 48, 3)),
    ({'kind': 'shufflenet-v2', 'width': 0.5, 'variant': 'cifar'}, (16, 13, 3)),
    ({'kind': 'shufflenet-v2', 'width': 0.5, 'variant': 'imagenet'}, (64, 64, 3)),
    ({'kind': 'resnet-imagenet', 'depth': 18, 'width': 8, 'stem': '7x7'}, (64, 50, 3)),
    ({'kind': 'resnet-imagenet', 'depth': 50, 'width': 8, 'stem': '3x3'}, (16, 15, 3)),
    ({'kind': 'vit', 'patch': 4, 'width': 24, 'depth': 2, 'heads': 3}, (8, 12, 3)),
]


def logits(spec, shape, training):
    net = Net(training)
    settings = {name: value for name, value in spec.items() if name != 'kind'}
    images = drawn('images', (BATCH, *shape)).permute(0, 3, 1, 2)
    y = net.linear(NETWORKS[spec['kind']](net, images, **settings), 'classifier', CLASSES)
    return y.flatten().tolist(), net.params


def main():
    cases = []
    for spec, shape in CASES:
        evaluated, params = logits(spec, shape, training=False)
        trained, _ = logits(spec, shape, training=True)
        cases.append({'spec': spec, 'shape': shape, 'params': params, 'eval': evaluated, 'train': trained})
        print(spec, params)
    path = pathlib.Path(__file__).with_suffix('.json')
    path.write_text(json.dumps({'batch': BATCH, 'classes': CLASSES, 'cases': cases}, indent=2) + '\n')


if __name__ == '__main__':
    main()
