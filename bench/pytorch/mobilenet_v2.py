"""MobileNetV2 (Sandler et al. 2018) for small images, as in the distillation literature (Tian et al. 2020)."""

from torch import nn

from resnet import conv

# Expansion, channels, blocks and stride of each stage.
STAGES = [(1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
STEM = 32
LAST = 1280


def normalised(channels):
    return [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]


class Inverted(nn.Module):
    def __init__(self, before, expansion, after, stride):
        super().__init__()
        inner = expansion * before
        self.main = nn.Sequential(
            conv(before, inner, 1),
            *normalised(inner),
            nn.Conv2d(inner, inner, 3, stride, padding=1, groups=inner, bias=False),
            *normalised(inner),
            conv(inner, after, 1),
            nn.BatchNorm2d(after),
        )
        self.residual = stride == 1 and before == after

    def forward(self, x):
        y = self.main(x)
        return x + y if self.residual else y


class MobileNetV2(nn.Module):
    def __init__(self, width, channels, classes):
        super().__init__()
        before = int(STEM * width)
        last = int(LAST * max(1, width))
        layers = [conv(channels, before, 3, 2), *normalised(before)]
        for expansion, filters, blocks, first_stride in STAGES:
            for index in range(blocks):
                after, stride = int(filters * width), first_stride if index == 0 else 1
                layers.append(Inverted(before, expansion, after, stride))
                before = after
        self.features = nn.Sequential(*layers, conv(before, last, 1), *normalised(last))
        self.classifier = nn.Linear(last, classes)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))
