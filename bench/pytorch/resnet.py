"""CIFAR ResNet of depth 6n+2 (He et al. 2016): stem and three stages of n basic blocks, projection where the shape changes."""

from torch import nn


def conv(before, after, size, stride=1):
    return nn.Conv2d(before, after, size, stride, padding=size // 2, bias=False)


class Block(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.main = nn.Sequential(
            conv(before, after, 3, stride),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
            conv(after, after, 3),
            nn.BatchNorm2d(after),
        )
        same = before == after and stride == 1
        self.shortcut = None if same else nn.Sequential(conv(before, after, 1, stride), nn.BatchNorm2d(after))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.main(x)
        y += x if self.shortcut is None else self.shortcut(x)
        return self.relu(y)


class ResNet(nn.Module):
    def __init__(self, depth, filters, channels, classes):
        super().__init__()
        if depth < 8 or (depth - 2) % 6:
            raise ValueError(f'depth must be 6n+2 and at least 8, not {depth}')
        self.stem = nn.Sequential(conv(channels, filters, 3), nn.BatchNorm2d(filters), nn.ReLU(inplace=True))
        blocks, before = [], filters
        for stage in range(3):
            for index in range((depth - 2) // 6):
                after, stride = filters * 2**stage, 2 if stage > 0 and index == 0 else 1
                blocks.append(Block(before, after, stride))
                before = after
        self.stages = nn.Sequential(*blocks)
        self.classifier = nn.Linear(before, classes)

    def forward(self, x):
        return self.classifier(self.stages(self.stem(x)).mean((2, 3)))
