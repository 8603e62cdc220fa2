"""Wide residual network of depth 6n+4 (Zagoruyko & Komodakis 2016): batch norm and ReLU come before each convolution."""

from torch import nn

from resnet import conv


class Preactivated(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.activated = nn.Sequential(nn.BatchNorm2d(before), nn.ReLU(inplace=False))
        self.main = nn.Sequential(
            conv(before, after, 3, stride),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
            conv(after, after, 3),
        )
        self.shortcut = None if before == after else conv(before, after, 1, stride)

    def forward(self, x):
        activated = self.activated(x)
        y = self.main(activated)
        y += x if self.shortcut is None else self.shortcut(activated)
        return y


class WideResNet(nn.Module):
    def __init__(self, depth, widen, channels, classes):
        super().__init__()
        if depth < 10 or (depth - 4) % 6:
            raise ValueError(f'depth must be 6n+4 and at least 10, not {depth}')
        self.stem = conv(channels, 16, 3)
        blocks, before = [], 16
        for stage in range(3):
            for index in range((depth - 4) // 6):
                after, stride = 16 * widen * 2**stage, 2 if stage > 0 and index == 0 else 1
                blocks.append(Preactivated(before, after, stride))
                before = after
        self.stages = nn.Sequential(*blocks, nn.BatchNorm2d(before), nn.ReLU(inplace=True))
        self.classifier = nn.Linear(before, classes)

    def forward(self, x):
        return self.classifier(self.stages(self.stem(x)).mean((2, 3)))
