import type { ModelGraph } from '@trikd/core/export/model-graph';
import type { FileFormat } from './command.js';

/** How a program reads the files of a format, in Markdown. */
export function usage(format: FileFormat, { image, output }: ModelGraph): string {
  const { height, width, channels } = image;
  const last = `${height}, ${width}, ${channels}`;
  switch (format) {
    case 'onnx':
      return `ONNX, opset 17. \`images\` is uint8 [batch, ${last}], \`${output.name}\` is float32 [batch, ${output.size}].

\`\`\`python
import onnxruntime

session = onnxruntime.InferenceSession('model.onnx')
(${output.name},) = session.run(None, {'images': images})
\`\`\``;
    case 'tfjs':
      return `A LayersModel of TensorFlow.js. Its input is float32 [batch, ${last}] with values 0 to 255, its output is ${output.name} [batch, ${output.size}].

\`\`\`js
const model = await tf.loadLayersModel('model.json');
const ${output.name} = model.predict(tf.browser.fromPixels(image, ${channels}).toFloat().expandDims());
\`\`\``;
    case 'savedmodel':
      return `A TensorFlow SavedModel. \`images\` is uint8 [batch, ${last}], \`${output.name}\` is float32 [batch, ${output.size}].

\`\`\`python
import tensorflow as tf

model = tf.saved_model.load('.').signatures['serving_default']
${output.name} = model(images=images)['${output.name}']
\`\`\``;
    case 'tflite':
      return `A TFLite model for one image at a time. Its input is uint8 [1, ${last}], its output is ${output.name}, float32 [1, ${output.size}].

\`\`\`python
from ai_edge_litert.interpreter import Interpreter

run = Interpreter('model.tflite')
run.allocate_tensors()
run.set_tensor(run.get_input_details()[0]['index'], image[None])
run.invoke()
${output.name} = run.get_tensor(run.get_output_details()[0]['index'])
\`\`\``;
    case 'pytorch':
      return `A PyTorch module, which needs the packages torch and safetensors. Images are [batch, ${channels}, ${height}, ${width}], uint8 or float.

\`\`\`python
import model

net = model.load()
${output.name} = net(images)
\`\`\``;
    case 'safetensors':
      return `The params by PyTorch's names and in its layouts, for a module of your own; the format \`pytorch\` includes one. The module
has to compute pixel · scale + shift itself and to pad as TensorFlow does: a convolution with stride 2 gets one more row and column after
the image than before it. A dense layer after images reads rows, columns, channels, in this order. In int8 a kernel \`<name>\` is to be multiplied by \`<name>_scale\`.`;
  }
}
