// TensorFlow ops that compute convolutions with the kernels of convolution.h.
#pragma once

namespace trikd {

// Registers TrikdConv2D, TrikdConv2DBackpropInput and TrikdConv2DBackpropFilter with TensorFlow, once for the process, if this processor can
// compute them. Returns whether it can.
//
// Their inputs are those of TensorFlow's ops of these names, without the sizes. The attributes `height` and `width` are those of the result
// (of the filter, for its gradient); `stride`, `top` and `left` are those of Convolution.
//
// TrikdConv2DMoments also puts out the moments of its output, as TrikdBatchNormMoments would; it has the attribute `epsilon` of that. They are joined from a fixed
// split of the batch, which depends on the number of threads.
bool RegisterConvolutions();

}  // namespace trikd
