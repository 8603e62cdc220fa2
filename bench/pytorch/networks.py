"""The networks of a run's spec that are measured beside PyTorch, by the settings that the spec has."""

from mobilenet_v2 import MobileNetV2
from resnet import ResNet
from wrn import WideResNet


def network(settings, channels, classes):
    kind = settings['kind']
    if kind == 'resnet':
        return ResNet(settings['depth'], settings['width'], channels, classes)
    if kind == 'wrn':
        return WideResNet(settings['depth'], settings['widen'], channels, classes)
    if kind == 'mobilenet-v2':
        return MobileNetV2(settings['width'], channels, classes)
    raise ValueError(f'there is no network {kind} here')
