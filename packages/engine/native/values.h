// Reads JavaScript values with checks: any argument gives a value or a Failure, never a crash.
#pragma once
#include <node_api.h>
#include <tensorflow/c/c_api.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace trikd {

std::string ReadString(napi_env env, napi_value value, const char* what);
int64_t ReadInteger(napi_env env, napi_value value, const char* what);
double ReadNumber(napi_env env, napi_value value, const char* what);
bool ReadBoolean(napi_env env, napi_value value, const char* what);
std::vector<int64_t> ReadIntegers(napi_env env, napi_value value, const char* what);
// The dtypes of the C API. Some other numbers end the process inside TensorFlow.
TF_DataType ReadDataType(napi_env env, napi_value value);

// Whether a shape may leave dimensions open, written -1.
enum class Open { kNo, kYes };
// Dimensions that TensorFlow can hold: it ends the process over a rank above 254 or more elements than it can count.
std::vector<int64_t> ReadShape(napi_env env, napi_value value, Open open, const std::string& operation);
bool IsArray(napi_env env, napi_value value);
uint32_t Length(napi_env env, napi_value array, const char* what);
napi_value Element(napi_env env, napi_value array, uint32_t index);
napi_value Property(napi_env env, napi_value object, const char* name);
bool IsUndefined(napi_env env, napi_value value);

napi_value MakeString(napi_env env, const std::string& text);
napi_value MakeNumber(napi_env env, double number);

// Bytes of a typed array; they live as long as the JavaScript value does.
struct Bytes {
  const void* data;
  size_t size;
  napi_typedarray_type type;
};
Bytes ReadTypedArray(napi_env env, napi_value value, const char* what);

// A new tensor with a copy of `values`, of a shape from ReadShape. Refuses a dtype, type of array or length that does not fit.
TF_Tensor* ReadTensor(napi_env env, napi_value values, TF_DataType dtype, const std::vector<int64_t>& shape,
                      const std::string& operation);

// A typed array with a copy of the tensor's elements.
napi_value MakeTypedArray(napi_env env, TF_Tensor* tensor);

}  // namespace trikd
