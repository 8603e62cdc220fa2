import type { GraphNode } from '../export/model-graph.js';
import type { ModelSpec } from '../models/registry.js';

/** The module of a node in the public code of a network; undefined where it has none. */
export type ModuleOf = (node: GraphNode) => string | undefined;

/** The name of the head of every model that classifies. */
const HEAD = 'classifier';

/** Modules by torchvision's names, where it has the network. */
export function torchvisionModules(model: ModelSpec): ModuleOf | undefined {
  switch (model.kind) {
    case 'resnet-imagenet':
    case 'resnet':
      return ({ name }) => resnetModule(name);
    case 'mobilenet-v2':
      return model.variant === 'imagenet' ? mobilenetModules() : undefined;
    default:
      return undefined;
  }
}

/** Modules by timm's names, where they differ from torchvision's. */
export function timmModules(model: ModelSpec): ModuleOf | undefined {
  return model.kind === 'mobilenet-v2' && model.variant === 'imagenet' ? ({ name }) => timmMobilenet(name) : undefined;
}

/** `stage1/block0/conv1` is `layer1.0.conv1`. The networks for small images of the distillation literature have the same names. */
function resnetModule(name: string): string | undefined {
  const [, stage, block, part = ''] = /^stage(\d+)\/block(\d+)\/(\w+)$/.exec(name) ?? [];
  if (stage !== undefined) return `layer${stage}.${block}.${RESNET_PARTS[part] ?? part}`;
  return RESNET_STEM[name];
}

const RESNET_PARTS: Readonly<Record<string, string>> = { shortcut: 'downsample.0', shortcut_bn: 'downsample.1' };
const RESNET_STEM: Readonly<Record<string, string>> = {
  ...{ 'stem/conv': 'conv1', 'stem/bn': 'bn1', conv0: 'conv1', bn0: 'bn1' },
  [HEAD]: 'fc',
};

/** Other names that public code has for the same modules of a ResNet. */
export function withoutAliases(model: ModelSpec, name: string): string {
  if (model.kind !== 'resnet' && model.kind !== 'resnet-imagenet') return name;
  return name.replace(/^linear\./, 'fc.').replace(/\.shortcut\.([01])\./, '.downsample.$1.');
}

/** torchvision counts the blocks of all stages in one row, from 1; the stem is 0. Call the result in the order of the nodes. */
function mobilenetModules(): ModuleOf {
  const blocks: string[] = [];
  return ({ name }) => {
    const [, place, part = ''] = /^(stage\d+\/block\d+)\/(\w+)$/.exec(name) ?? [];
    if (place === undefined) return mobilenetEnd(name, blocks.length);
    if (!blocks.includes(place)) blocks.push(place);
    const parts = place === blocks[0] ? FIRST_PARTS : LATER_PARTS;
    return parts[part] && `features.${blocks.indexOf(place) + 1}.conv.${parts[part]}`;
  };
}

/** The first block does not expand. */
const FIRST_PARTS: Readonly<Record<string, string>> = {
  ...{ depthwise: '0.0', depthwise_bn: '0.1', project: '1', project_bn: '2' },
};
const LATER_PARTS: Readonly<Record<string, string>> = {
  ...{ expand: '0.0', expand_bn: '0.1', depthwise: '1.0', depthwise_bn: '1.1', project: '2', project_bn: '3' },
};

function mobilenetEnd(name: string, blocks: number): string | undefined {
  const ends: Readonly<Record<string, string>> = {
    ...{ 'stem/conv': 'features.0.0', 'stem/bn': 'features.0.1', [HEAD]: 'classifier.1' },
    ...{ 'last/conv': `features.${blocks + 1}.0`, 'last/bn': `features.${blocks + 1}.1` },
  };
  return ends[name];
}

function timmMobilenet(name: string): string | undefined {
  const [, stage, block, part = ''] = /^stage(\d+)\/block(\d+)\/(\w+)$/.exec(name) ?? [];
  if (stage === undefined) return TIMM_ENDS[name];
  const parts = stage === '1' ? TIMM_FIRST : TIMM_LATER;
  return parts[part] && `blocks.${Number(stage) - 1}.${block}.${parts[part]}`;
}

const TIMM_ENDS: Readonly<Record<string, string>> = {
  ...{ 'stem/conv': 'conv_stem', 'stem/bn': 'bn1', 'last/conv': 'conv_head', 'last/bn': 'bn2', [HEAD]: 'classifier' },
};
const TIMM_FIRST: Readonly<Record<string, string>> = {
  ...{ depthwise: 'conv_dw', depthwise_bn: 'bn1', project: 'conv_pw', project_bn: 'bn2' },
};
const TIMM_LATER: Readonly<Record<string, string>> = {
  ...{ expand: 'conv_pw', expand_bn: 'bn1', depthwise: 'conv_dw', depthwise_bn: 'bn2' },
  ...{ project: 'conv_pwl', project_bn: 'bn3' },
};
