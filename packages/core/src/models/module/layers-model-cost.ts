import type { LayersModel } from '@trikd/engine';
import type { ModelCost } from '../layer-counter.js';

type Layer = LayersModel['layers'][number];
type Shape = readonly (number | null | undefined)[];

/** Layers that only look at the same numbers differently. */
const VIEWS = new Set(['InputLayer', 'Reshape', 'Flatten']);

/** Numbers in a value of a shape; an axis of unknown size counts once. */
export function sizeOfShape(shape: Shape): number {
  return shape.reduce<number>((product, size) => product * (size ?? 1), 1);
}

/** What a model costs that has been built: as `LayerCounter` counts, by its layers. Multiply-adds are those of layers that every position shares. */
export function layersModelCost(model: LayersModel): ModelCost {
  const { layers } = model;
  const kernels = layers.filter((layer) => layer.weights.some(({ shape }) => shape.length >= 2));
  const widths = kernels.map((layer) => shapesOf(layer)[0]!.at(-1) ?? 1);
  const sum = (weights: LayersModel['weights']) => weights.reduce((total, { shape }) => total + sizeOfShape(shape), 0);
  return {
    layers: kernels.length,
    widest: Math.max(0, ...widths.slice(0, -1)),
    params: sum(model.weights),
    trained: sum(model.trainableWeights),
    activations: layers
      .filter((layer) => !VIEWS.has(layer.getClassName()))
      .reduce((total, layer) => total + shapesOf(layer).reduce((all, shape) => all + sizeOfShape(shape), 0), 0),
    multiplyAdds: kernels.reduce((total, layer) => total + multiplyAdds(layer), 0),
  };
}

function multiplyAdds(layer: Layer): number {
  const output = shapesOf(layer)[0]!;
  const positions = sizeOfShape(output.slice(0, -1));
  return layer.weights
    .filter(({ shape }) => shape.length >= 2)
    .reduce((total, { shape }) => total + positions * sizeOfShape(shape), 0);
}

/** Of one example. */
function shapesOf({ outputShape }: Layer): readonly Shape[] {
  const shapes = (Array.isArray(outputShape[0]) ? outputShape : [outputShape]) as readonly Shape[];
  return shapes.map((shape) => shape.slice(1));
}
