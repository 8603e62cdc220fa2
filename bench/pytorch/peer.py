"""PyTorch's side of the comparison: the same training steps, driven line by line so that rounds of both can alternate.

Reads commands on stdin, answers each with one line of JSON on stdout:

    setup solo|trio {OPTIONS}   {"ready": KIND, "torch": VERSION, "threads": N, "params": {ROLE: COUNT, statistics of batch norm included}}
    step N                      {"ms": [N wall-clock times of a whole step], "loss": {ROLE: of the last step}}
    quit, or the end of stdin   ends

A command that cannot be obeyed answers {"error": SENTENCE} and changes nothing.

solo  one network, cross-entropy
trio  student and teacher learn from labels, from each other's logits and from a frozen anchor of the student's shape: one
      forward pass each, both losses, both backward passes, both updates, in one process

Options and their defaults are DEFAULTS below. A step takes a uint8 batch and normalises it; SGD with Nesterov momentum 0.9 and
L2 of 5e-4 on kernels, as in the harness's own runs. With `compile`, TorchInductor makes C++ of everything from the batch to the losses and
of the backward pass. The caller sets OMP_WAIT_POLICY=PASSIVE, or two programs that take turns on the same cores slow each other down.
"""

import contextlib
import json
import os
import pathlib
import shutil
import sys
import sysconfig
import time

import torch
from torch import nn
from torch.nn import functional

from networks import network

DEFAULTS = {
    'threads': 2,
    'seed': 0,
    'batch': 128,
    'height': 32,
    'width': 32,
    'channels': 3,
    'classes': 100,
    'student': {'kind': 'resnet', 'depth': 20, 'width': 16},
    'teacher': {'kind': 'resnet', 'depth': 56, 'width': 16},
    'temperature': 4.0,
    'clipNorm': None,
    'learningRate': 0.05,
    'precision': 'float32',
    'channelsLast': True,
    'compile': False,
}


def optimizer_of(model, options):
    kernels = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim == 1]
    groups = [{'params': kernels, 'weight_decay': 5e-4}, {'params': others, 'weight_decay': 0.0}]
    return torch.optim.SGD(groups, lr=options['learningRate'], momentum=0.9, nesterov=True, fused=True)


def distillation(logits, target, temperature):
    """T^2 KL(target || own), mean over the batch (Hinton et al. 2015)."""
    own = functional.log_softmax(logits / temperature, 1)
    return temperature**2 * functional.kl_div(own, functional.softmax(target / temperature, 1), reduction='batchmean')


class Bench:
    """Models, optimizers and the one batch of a setup; `step` trains once and returns the losses."""

    def __init__(self, kind, options):
        self.options = options
        torch.set_num_threads(options['threads'])
        torch.manual_seed(options['seed'])
        self.format = torch.channels_last if options['channelsLast'] else torch.contiguous_format
        o = options
        self.images = torch.randint(0, 256, (o['batch'], o['height'], o['width'], o['channels']), dtype=torch.uint8)
        self.labels = torch.randint(0, o['classes'], (o['batch'],))
        roles = ['student'] if kind == 'solo' else ['student', 'teacher']
        self.models = {role: self.model(o[role]).train() for role in roles}
        self.optimizers = {role: optimizer_of(model, o) for role, model in self.models.items()}
        self.anchor = None if kind == 'solo' else self.model(o['student']).eval()
        self.losses = torch.compile(self.eager_losses) if o['compile'] else self.eager_losses

    def model(self, settings):
        o = self.options
        return network(settings, o['channels'], o['classes']).to(memory_format=self.format)

    def precision(self):
        if self.options['precision'] == 'float32':
            return contextlib.nullcontext()
        return torch.autocast('cpu', dtype=torch.bfloat16)

    def normalised(self):
        # The batch lies as NHWC; seen as NCHW it is channels-last already.
        x = self.images.permute(0, 3, 1, 2).to(torch.float32, memory_format=self.format)
        return x.div_(255).sub_(0.5).div_(0.25)

    def step(self):
        losses = self.losses()
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)
        # No loss has a gradient for the params of another: one call gives each model its own, and leaves a compiled step one graph.
        torch.autograd.backward(list(losses.values()))
        for role, optimizer in self.optimizers.items():
            if self.options['clipNorm'] is not None:
                nn.utils.clip_grad_norm_(self.models[role].parameters(), self.options['clipNorm'])
            optimizer.step()
        return losses

    def eager_losses(self):
        x = self.normalised()
        with self.precision():
            logits = {role: model(x) for role, model in self.models.items()}
            frozen = self.anchor_logits(x)
        return {role: self.loss(role, logits, frozen) for role in logits}

    def anchor_logits(self, x):
        if self.anchor is None:
            return None
        with torch.no_grad():
            return self.anchor(x).float()

    def loss(self, role, logits, frozen):
        own = logits[role].float()
        loss = functional.cross_entropy(own, self.labels)
        for peer, target in logits.items():
            if peer != role:
                loss = loss + distillation(own, target.detach().float(), self.options['temperature'])
        if frozen is not None:
            loss = loss + distillation(own, frozen, self.options['temperature'])
        return loss


def compiler_problem():
    """Why there is nothing to compile with, or None."""
    if shutil.which(os.environ.get('CXX', 'g++')) is None:
        return 'torch.compile needs g++'
    places = [sysconfig.get_path('include'), *os.environ.get('CPLUS_INCLUDE_PATH', '').split(':')]
    if not any(place and (pathlib.Path(place) / 'Python.h').exists() for place in places):
        return f'torch.compile needs Python.h, which is not in {places[0]}: install the package python3-dev'
    return None


def numbers_of(model):
    return sum(p.numel() for p in model.state_dict().values() if p.is_floating_point())


def setup(kind, text):
    asked = json.loads(text or '{}')
    unknown = set(asked) - set(DEFAULTS)
    if kind not in ('solo', 'trio') or unknown:
        raise ValueError(f'setup wants solo or trio and known options, not {kind} with {sorted(unknown)}')
    options = DEFAULTS | asked
    if options['precision'] not in ('float32', 'bfloat16'):
        raise ValueError(f'precision must be float32 or bfloat16, not {options["precision"]}')
    problem = compiler_problem() if options['compile'] else None
    if problem is not None:
        raise ValueError(problem)
    bench = Bench(kind, options)
    counts = {role: numbers_of(model) for role, model in bench.models.items()}
    answer = {'ready': kind, 'torch': torch.__version__, 'threads': torch.get_num_threads(), 'params': counts}
    return bench, answer


def steps(bench, text):
    if bench is None:
        raise ValueError('step comes after setup')
    count = int(text)
    if count < 1:
        raise ValueError(f'step wants a positive count, not {count}')
    times = []
    for _ in range(count):
        start = time.perf_counter()
        losses = bench.step()
        times.append((time.perf_counter() - start) * 1000)
    return {'ms': times, 'loss': {role: loss.item() for role, loss in losses.items()}}


def main():
    bench = None
    for line in sys.stdin:
        command, _, rest = line.strip().partition(' ')
        try:
            if command == 'quit':
                return
            if command == 'setup':
                kind, _, options = rest.partition(' ')
                bench, answer = setup(kind, options)
            elif command == 'step':
                answer = steps(bench, rest)
            else:
                raise ValueError(f'there is no command {command}')
        except (ValueError, RuntimeError) as error:
            answer = {'error': str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == '__main__':
    main()
