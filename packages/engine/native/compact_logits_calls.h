// compact_logits.h for JavaScript, which brings the arrays that are written.
#pragma once
#include <node_api.h>

#include <vector>

namespace trikd {

// toFloat16(numbers, halves) -> index of the first finite number that float16 does not reach, or -1
napi_value CompactNumbers(napi_env env, std::vector<napi_value>& arguments);
// fromFloat16(halves, numbers)
napi_value WidenNumbers(napi_env env, std::vector<napi_value>& arguments);
// largestLogits(logits, columns, classes, others): k classes of each row, and of its other logits the largest and the sum
napi_value CompactRows(napi_env env, std::vector<napi_value>& arguments);

}  // namespace trikd
