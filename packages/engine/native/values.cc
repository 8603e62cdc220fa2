#include "values.h"

#include <cmath>
#include <cstring>

#include "failure.h"

namespace trikd {
namespace {

void Expect(napi_status status, const char* what, const char* kind) {
  if (status != napi_ok) Refuse(std::string(what) + " must be " + kind);
}

napi_typedarray_type ArrayTypeOf(TF_DataType dtype, const std::string& operation) {
  switch (dtype) {
    case TF_FLOAT: return napi_float32_array;
    case TF_INT32: return napi_int32_array;
    case TF_UINT8:
    case TF_BOOL: return napi_uint8_array;
    case TF_INT64: return napi_bigint64_array;
    default: Refuse("tensors of dtype " + std::to_string(dtype) + " do not cross to JavaScript", operation);
  }
}

}  // namespace

std::string ReadString(napi_env env, napi_value value, const char* what) {
  size_t length = 0;
  Expect(napi_get_value_string_utf8(env, value, nullptr, 0, &length), what, "a string");
  std::string text(length, '\0');
  napi_get_value_string_utf8(env, value, text.data(), length + 1, &length);
  // TensorFlow takes names as C strings: what follows a NUL would silently be gone.
  if (text.find('\0') != std::string::npos) Refuse(std::string(what) + " must not contain a NUL");
  return text;
}

double ReadNumber(napi_env env, napi_value value, const char* what) {
  double number = 0;
  Expect(napi_get_value_double(env, value, &number), what, "a number");
  return number;
}

int64_t ReadInteger(napi_env env, napi_value value, const char* what) {
  const double number = ReadNumber(env, value, what);
  if (!(std::fabs(number) <= 9007199254740991.0) || number != std::floor(number)) {
    Refuse(std::string(what) + " must be an integer");
  }
  return static_cast<int64_t>(number);
}

bool ReadBoolean(napi_env env, napi_value value, const char* what) {
  bool truth = false;
  Expect(napi_get_value_bool(env, value, &truth), what, "true or false");
  return truth;
}

bool IsArray(napi_env env, napi_value value) {
  bool is_array = false;
  return napi_is_array(env, value, &is_array) == napi_ok && is_array;
}

uint32_t Length(napi_env env, napi_value array, const char* what) {
  if (!IsArray(env, array)) Refuse(std::string(what) + " must be an array");
  uint32_t length = 0;
  napi_get_array_length(env, array, &length);
  return length;
}

napi_value Element(napi_env env, napi_value array, uint32_t index) {
  napi_value value;
  if (napi_get_element(env, array, index, &value) != napi_ok) Refuse("an array element cannot be read");
  return value;
}

napi_value Property(napi_env env, napi_value object, const char* name) {
  napi_valuetype type;
  napi_value value;
  if (napi_typeof(env, object, &type) != napi_ok || type != napi_object ||
      napi_get_named_property(env, object, name, &value) != napi_ok) {
    Refuse(std::string("an object with the property ") + name + " is expected");
  }
  return value;
}

bool IsUndefined(napi_env env, napi_value value) {
  napi_valuetype type;
  return napi_typeof(env, value, &type) != napi_ok || type == napi_undefined;
}

std::vector<int64_t> ReadIntegers(napi_env env, napi_value value, const char* what) {
  // Grows as it reads: an array of holes is refused at the first, not after memory for all of them.
  std::vector<int64_t> integers;
  for (uint32_t i = 0, n = Length(env, value, what); i < n; i++) {
    integers.push_back(ReadInteger(env, Element(env, value, i), what));
  }
  return integers;
}

TF_DataType ReadDataType(napi_env env, napi_value value) {
  const int64_t dtype = ReadInteger(env, value, "a dtype");
  if (dtype < TF_FLOAT || dtype > TF_UINT64) Refuse("there is no dtype " + std::to_string(dtype));
  return static_cast<TF_DataType>(dtype);
}

std::vector<int64_t> ReadShape(napi_env env, napi_value value, Open open, const std::string& operation) {
  constexpr size_t kMaxRank = 254;
  constexpr int64_t kMaxElements = int64_t{1} << 48;
  std::vector<int64_t> shape = ReadIntegers(env, value, "a shape");
  if (shape.size() > kMaxRank) Refuse("a shape has " + std::to_string(shape.size()) + " dimensions", operation);
  int64_t elements = 1;
  for (const int64_t dimension : shape) {
    if (dimension == -1 && open == Open::kYes) continue;
    if (dimension < 0) Refuse("a shape has the dimension " + std::to_string(dimension), operation);
    // An empty tensor, too, must have dimensions that can be multiplied.
    const int64_t factor = dimension == 0 ? 1 : dimension;
    if (elements > kMaxElements / factor) Refuse("a shape has too many elements", operation);
    elements *= factor;
  }
  return shape;
}

napi_value MakeString(napi_env env, const std::string& text) {
  napi_value value;
  napi_create_string_utf8(env, text.data(), text.size(), &value);
  return value;
}

napi_value MakeNumber(napi_env env, double number) {
  napi_value value;
  napi_create_double(env, number, &value);
  return value;
}

Bytes ReadTypedArray(napi_env env, napi_value value, const char* what) {
  bool is_typed_array = false;
  if (napi_is_typedarray(env, value, &is_typed_array) != napi_ok || !is_typed_array) {
    Refuse(std::string(what) + " must be a typed array");
  }
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr);
  static const size_t kElementSize[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
  const size_t index = static_cast<size_t>(type);
  if (index >= sizeof(kElementSize) / sizeof(kElementSize[0])) Refuse(std::string(what) + " is an array of a foreign type");
  return {data, length * kElementSize[index], type};
}

TF_Tensor* ReadTensor(napi_env env, napi_value values, TF_DataType dtype, const std::vector<int64_t>& shape,
                      const std::string& operation) {
  const napi_typedarray_type wanted = ArrayTypeOf(dtype, operation);
  const Bytes bytes = ReadTypedArray(env, values, "tensor values");
  if (bytes.type != wanted) Refuse("the typed array does not fit the dtype", operation);
  size_t size = TF_DataTypeSize(dtype);
  for (const int64_t dimension : shape) size *= static_cast<size_t>(dimension);
  if (bytes.size != size) {
    Refuse("expected " + std::to_string(size) + " bytes for the shape, got " + std::to_string(bytes.size), operation);
  }
  TF_Tensor* tensor = TF_AllocateTensor(dtype, shape.data(), static_cast<int>(shape.size()), size);
  if (tensor == nullptr) throw Failure{"RESOURCE_EXHAUSTED", "no memory for a tensor of " + std::to_string(size) + " bytes", operation};
  if (size > 0) std::memcpy(TF_TensorData(tensor), bytes.data, size);
  return tensor;
}

napi_value MakeTypedArray(napi_env env, TF_Tensor* tensor) {
  const napi_typedarray_type type = ArrayTypeOf(TF_TensorType(tensor), "");
  const size_t size = TF_TensorByteSize(tensor);
  void* data = nullptr;
  napi_value buffer, array;
  if (napi_create_arraybuffer(env, size, &data, &buffer) != napi_ok) {
    throw Failure{"RESOURCE_EXHAUSTED", "no memory for an array of " + std::to_string(size) + " bytes", ""};
  }
  if (size > 0) std::memcpy(data, TF_TensorData(tensor), size);
  napi_create_typedarray(env, type, size / TF_DataTypeSize(TF_TensorType(tensor)), buffer, 0, &array);
  return array;
}

}  // namespace trikd
