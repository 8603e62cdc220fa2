"""Makes and trains a small ResNet with PyTorch, as its users do, for pytorch_teacher.test.ts.

usage: pytorch_teacher.py DATA OUT

DATA has the files of Fashion-MNIST. OUT gets `teacher.safetensors`, `teacher-half.safetensors` in float16, and `logits`: float32, of the first
1000 test images. Needs PyTorch and safetensors.
"""

from __future__ import annotations

import gzip
import pathlib
import sys

import torch
from safetensors import serialize_file
from torch import nn

TRAIN, TEST, BATCH, EPOCHS = 2000, 1000, 50, 4
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


def read(data: pathlib.Path, part: str, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    def file(name: str, header: int, size: int) -> torch.Tensor:
        with gzip.open(data / f'{part}-{name}.gz') as opened:
            return torch.frombuffer(bytearray(opened.read(header + count * size)), dtype=torch.uint8)[header:]

    images = file('images-idx3-ubyte', 16, 784).reshape(count, 1, 28, 28)
    return (images / 255 - MEAN) / STD, file('labels-idx1-ubyte', 8, 1).long()


def save(net: nn.Module, path: pathlib.Path) -> None:
    """As `safetensors.torch.save_file`, which needs another package for it."""
    tensors = {name: tensor.contiguous() for name, tensor in net.state_dict().items()}
    described = {
        name: {'dtype': str(tensor.dtype).removeprefix('torch.'), 'shape': list(tensor.shape), 'data': tensor.numpy().tobytes()}
        for name, tensor in tensors.items()
    }
    serialize_file(described, path, {'format': 'pt'})


def main(data: pathlib.Path, out: pathlib.Path) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    images, labels = read(data, 'train', TRAIN)
    net = ResNet8()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(TRAIN).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(images[chosen]), labels[chosen]).backward()
            optimizer.step()
    net.eval()
    with torch.no_grad():
        (out / 'logits').write_bytes(net(read(data, 't10k', TEST)[0]).contiguous().numpy().tobytes())
    save(net, out / 'teacher.safetensors')
    save(net.half(), out / 'teacher-half.safetensors')


if __name__ == '__main__':
    main(*map(pathlib.Path, sys.argv[1:]))
