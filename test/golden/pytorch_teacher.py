"""Makes and trains a small ResNet with PyTorch, as its users do, for pytorch_teacher.test.ts.

usage: pytorch_teacher.py OUT

OUT, the folder of the test, gets `pytorch_teacher.safetensors`, `pytorch_teacher_half.safetensors` in float16, and `pytorch_teacher.json`: test images,
their labels, and the logits that PyTorch computes for them. Needs PyTorch and safetensors.
"""

from __future__ import annotations

import base64
import json
import pathlib
import sys

import torch
from safetensors import serialize_file
from torch import nn

TRAIN, TEST, BATCH, EPOCHS = 1000, 100, 50, 4
CLASSES, PIXELS, NOISE = 10, 28, 0.35
MEAN, STD = 0.286, 0.353


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seen = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (seen + (x if self.downsample is None else self.downsample(x))).relu()


class ResNet8(nn.Module):
    """The CIFAR ResNet of depth 8 with 8, 16 and 32 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.layer1 = nn.Sequential(Block(8, 8, 1))
        self.layer2 = nn.Sequential(Block(8, 16, 2))
        self.layer3 = nn.Sequential(Block(16, 32, 2))
        self.fc = nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layer3(self.layer2(self.layer1(self.bn1(self.conv1(x)).relu())))
        return self.fc(x.mean((2, 3)))


def drawn(count: int, prototypes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Noisy pictures of the prototypes, in bytes, and their classes."""
    labels = torch.randint(CLASSES, (count,))
    noise = NOISE * torch.randn(count, 1, PIXELS, PIXELS)
    return ((prototypes[labels] + noise).clamp(0, 1) * 255).round().byte(), labels


def normalised(images: torch.Tensor) -> torch.Tensor:
    return (images / 255 - MEAN) / STD


def save(net: nn.Module, path: pathlib.Path) -> None:
    """As `safetensors.torch.save_file`, which needs another package for it."""
    tensors = {name: tensor.contiguous() for name, tensor in net.state_dict().items()}
    described = {
        name: {'dtype': str(tensor.dtype).removeprefix('torch.'), 'shape': list(tensor.shape), 'data': tensor.numpy().tobytes()}
        for name, tensor in tensors.items()
    }
    serialize_file(described, path, {'format': 'pt'})


def text(tensor: torch.Tensor) -> str:
    return base64.b64encode(tensor.contiguous().numpy().tobytes()).decode()


def main(out: pathlib.Path) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    prototypes = torch.rand(CLASSES, 1, PIXELS, PIXELS)
    images, labels = drawn(TRAIN, prototypes)
    net = ResNet8()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(TRAIN).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(normalised(images[chosen])), labels[chosen]).backward()
            optimizer.step()
    net.eval()
    images, labels = drawn(TEST, prototypes)
    with torch.no_grad():
        logits = net(normalised(images))
    golden = {'images': text(images), 'labels': text(labels.byte()), 'logits': text(logits)}
    (out / 'pytorch_teacher.json').write_text(json.dumps(golden) + '\n')
    save(net, out / 'pytorch_teacher.safetensors')
    save(net.half(), out / 'pytorch_teacher_half.safetensors')


if __name__ == '__main__':
    main(pathlib.Path(sys.argv[1]))
