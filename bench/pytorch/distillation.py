"""Distillation in PyTorch: kd and TriKD of our own, for comparison with the product. One process, one stage after the other.

    python distillation.py FOLDER

FOLDER/recipe.json says what to train, FOLDER holds the data, and one line of JSON on stdout has the outcome. Two modes:

losses   one stage, `steps` steps, from given params on given batches. Files: images (uint8 [steps, batch, height, width, channels]),
         labels (int32 [steps, batch]), NAME.safetensors of each participant with the product's names.
         Outcome: {"losses": {LEARNER: [[each weighted term of a step, in the order of the objective] ...]}}
         Computes in `precision`, float32 or float64.
train    all stages, from random params of this program, with its own order of images and its own augmentation. Files:
         {train,validation,test}.images (uint8 [n, height, width, channels]) and .labels (int32 [n]).
         Outcome: {"accuracy": {STAGE: {LEARNER: on the test split, as it validated best}}}

A stage has learners, which train together and see each other's logits as constants, and frozen models: params of a learner of an
earlier stage as it validated best. SGD with Nesterov momentum, L2 on kernels, gradients clipped by their global norm, linear
warm-up and cosine. Losses: cross-entropy and T^2 KL(target || own), means over the batch.
"""

import json
import math
import pathlib
import sys

import torch
from torch import nn
from torch.nn import functional

from peer import distillation
from resnet import ResNet

DTYPES = {'F32': torch.float32, 'F64': torch.float64}


def read_safetensors(path):
    data = bytearray(path.read_bytes())
    length = int.from_bytes(data[:8], 'little')
    header = json.loads(data[8 : 8 + length])
    header.pop('__metadata__', None)
    body = data[8 + length :]
    return {
        name: torch.frombuffer(body[slice(*entry['data_offsets'])], dtype=DTYPES[entry['dtype']]).reshape(entry['shape'])
        for name, entry in header.items()
    }


def read_array(path, dtype, shape):
    return torch.frombuffer(bytearray(path.read_bytes()), dtype=dtype).reshape(shape)


def layers_by_name(model):
    """The layers of a ResNet by the product's names, in its structure rather than by order."""
    named = {'conv0': model.stem[0], 'bn0': model.stem[1], 'classifier': model.classifier}
    blocks = len(model.stages) // 3
    for index, block in enumerate(model.stages):
        path = f'stage{index // blocks + 1}/block{index % blocks}'
        named |= {f'{path}/conv1': block.main[0], f'{path}/bn1': block.main[1]}
        named |= {f'{path}/conv2': block.main[3], f'{path}/bn2': block.main[4]}
        if block.shortcut is not None:
            named |= {f'{path}/shortcut': block.shortcut[0], f'{path}/shortcut_bn': block.shortcut[1]}
    return named


def load(model, params):
    """Copies params of the product: kernels HWIO and [inputs, units]. Every param of both sides must have its counterpart."""
    left = dict(params)
    with torch.no_grad():
        for name, layer in layers_by_name(model).items():
            if isinstance(layer, nn.BatchNorm2d):
                parts = {'gamma': layer.weight, 'beta': layer.bias}
                parts |= {'moving_mean': layer.running_mean, 'moving_variance': layer.running_var}
                for part, target in parts.items():
                    target.copy_(left.pop(f'{name}/{part}'))
            else:
                kernel = left.pop(f'{name}/kernel')
                layer.weight.copy_(kernel.permute(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T)
                if layer.bias is not None:
                    layer.bias.copy_(left.pop(f'{name}/bias'))
    if left:
        raise ValueError(f'params without a place: {", ".join(sorted(left))}')


def initialise(model):
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode='fan_out', nonlinearity='relu')
        elif isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)


class Trained:
    """A learner with its optimizer."""

    def __init__(self, settings, recipe, total):
        self.settings, self.recipe, self.total = settings, recipe, total
        self.model = model_of(settings['model'], recipe)
        kernels = [p for p in self.model.parameters() if p.ndim > 1]
        others = [p for p in self.model.parameters() if p.ndim == 1]
        groups = [{'params': kernels, 'weight_decay': settings['weightDecay']}, {'params': others, 'weight_decay': 0.0}]
        self.optimizer = torch.optim.SGD(groups, lr=0.1, momentum=settings['momentum'], nesterov=True)
        self.best = None

    def rate(self, step):
        peak, warmup = self.settings['learningRate'], self.recipe['warmupSteps']
        if step < warmup:
            return peak * (step + 1) / warmup
        progress = min(1, (step - warmup) / max(1, self.total - warmup))
        return peak * (1 + math.cos(math.pi * progress)) / 2

    def terms(self, logits, labels, targets):
        """The weighted terms of the objective."""
        return [
            term['weight']
            * (
                functional.cross_entropy(logits, labels)
                if term['kind'] == 'task'
                else distillation(logits, targets[term['from']], term['temperature'])
            )
            for term in self.settings['objective']
        ]

    def update(self, loss, step):
        for group in self.optimizer.param_groups:
            group['lr'] = self.rate(step)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if self.settings['clipNorm'] is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.settings['clipNorm'])
        self.optimizer.step()


def model_of(settings, recipe):
    return ResNet(settings['depth'], settings['width'], recipe['channels'], recipe['classes'])


def normalised(images, recipe):
    mean, std = (torch.tensor(recipe[name]) for name in ('mean', 'std'))
    return ((images.to(mean.dtype) / 255 - mean) / std).permute(0, 3, 1, 2)


def train_step(learners, frozen, images, labels, step):
    """One step of all learners. Returns each one's weighted terms."""
    with torch.no_grad():
        targets = {name: model(images) for name, model in frozen.items()}
    logits = {name: learner.model(images) for name, learner in learners.items()}
    targets |= {name: values.detach() for name, values in logits.items()}
    terms = {name: learner.terms(logits[name], labels, targets) for name, learner in learners.items()}
    for name, learner in learners.items():
        learner.update(sum(terms[name]), step)
    return {name: [term.item() for term in values] for name, values in terms.items()}


def losses_mode(folder, recipe):
    (stage,) = recipe['stages']
    shape = (recipe['steps'], recipe['batchSize'], recipe['height'], recipe['width'], recipe['channels'])
    images = read_array(folder / 'images', torch.uint8, shape)
    labels = read_array(folder / 'labels', torch.int32, shape[:2]).long()
    learners = {each['name']: Trained(each, recipe, recipe['totalSteps']) for each in stage['learners']}
    frozen = {each['name']: model_of(each['model'], recipe).eval() for each in stage['frozen']}
    for name, learner in learners.items():
        load(learner.model, read_safetensors(folder / f'{name}.safetensors'))
    for name, model in frozen.items():
        load(model, read_safetensors(folder / f'{name}.safetensors'))
    losses = {name: [] for name in learners}
    for step in range(recipe['steps']):
        for name, terms in train_step(learners, frozen, normalised(images[step], recipe), labels[step], step).items():
            losses[name].append(terms)
    return {'losses': losses}


def augmented(images, padding):
    """A random crop of each image with a border of zeros, flipped or not."""
    count, height, width, _ = images.shape
    padded = functional.pad(images, (0, 0, padding, padding, padding, padding))
    output = torch.empty_like(images)
    up, left = torch.randint(0, 2 * padding + 1, (2, count)).tolist()
    flip = torch.rand(count) < 0.5
    for row in range(count):
        cut = padded[row, up[row] : up[row] + height, left[row] : left[row] + width]
        output[row] = cut.flip(1) if flip[row] else cut
    return output


def accuracy(model, split, recipe):
    images, labels = split
    model.eval()
    with torch.no_grad():
        parts = zip(images.split(500), labels.split(500))
        right = sum((model(normalised(x, recipe)).argmax(1) == y).sum().item() for x, y in parts)
    model.train()
    return right / len(labels)


def train_mode(folder, recipe):
    torch.manual_seed(recipe['seed'])
    splits = {}
    for name, count in recipe['counts'].items():
        shape = (count, recipe['height'], recipe['width'], recipe['channels'])
        labels = read_array(folder / f'{name}.labels', torch.int32, (count,)).long()
        splits[name] = (read_array(folder / f'{name}.images', torch.uint8, shape), labels)
    images, labels = splits['train']
    batch = recipe['batchSize']
    steps = len(labels) // batch
    best, outcome = {}, {}
    for stage in recipe['stages']:
        learners = {each['name']: Trained(each, recipe, steps * recipe['epochs']) for each in stage['learners']}
        for learner in learners.values():
            initialise(learner.model)
        frozen = {}
        for each in stage['frozen']:
            frozen[each['name']] = model_of(each['model'], recipe).eval()
            frozen[each['name']].load_state_dict(best[each['stage'], each['participant']])
        for epoch in range(recipe['epochs']):
            order = torch.randperm(len(labels))
            for index in range(steps):
                rows = order[index * batch : (index + 1) * batch]
                x = normalised(augmented(images[rows], recipe['cropPadding']), recipe)
                train_step(learners, frozen, x, labels[rows], epoch * steps + index)
            if (epoch + 1) % recipe['validateEvery'] == 0:
                for name, learner in learners.items():
                    value = accuracy(learner.model, splits['validation'], recipe)
                    if learner.best is None or value > learner.best:
                        learner.best = value
                        state = {key: tensor.clone() for key, tensor in learner.model.state_dict().items()}
                        best[stage['name'], name] = state
        outcome[stage['name']] = {}
        for name, learner in learners.items():
            learner.model.load_state_dict(best[stage['name'], name])
            outcome[stage['name']][name] = accuracy(learner.model, splits['test'], recipe)
    return {'accuracy': outcome}


def main():
    folder = pathlib.Path(sys.argv[1])
    recipe = json.loads((folder / 'recipe.json').read_text())
    torch.set_num_threads(recipe['threads'])
    torch.set_default_dtype(getattr(torch, recipe['precision']))
    mode = {'losses': losses_mode, 'train': train_mode}[recipe['mode']]
    print(json.dumps(mode(folder, recipe)))


if __name__ == '__main__':
    main()
