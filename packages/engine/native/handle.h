// A JavaScript handle of a C++ object: a wrapped object whose type tag is checked before it is unwrapped. Not an external: V8 itself
// crashes when one becomes a prototype.
#pragma once
#include <node_api.h>

#include <memory>
#include <string>

#include "failure.h"

namespace trikd {

template <typename T>
struct Handle {
  std::shared_ptr<T> object;  // empty once closed
};

template <typename T>
napi_value MakeHandle(napi_env env, std::shared_ptr<T> object, const napi_type_tag& tag) {
  auto* handle = new Handle<T>{std::move(object)};
  napi_value value;
  const auto finalize = [](napi_env, void* data, void*) { delete static_cast<Handle<T>*>(data); };
  if (napi_create_object(env, &value) != napi_ok ||
      napi_wrap(env, value, handle, finalize, nullptr, nullptr) != napi_ok) {
    delete handle;
    throw Failure{"INTERNAL", "a handle cannot be made", ""};
  }
  if (napi_type_tag_object(env, value, &tag) != napi_ok) throw Failure{"INTERNAL", "a handle cannot be tagged", ""};
  return value;
}

template <typename T>
Handle<T>* ReadHandle(napi_env env, napi_value value, const napi_type_tag& tag, const char* what) {
  napi_valuetype type;
  bool tagged = false;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_object ||
      napi_check_object_type_tag(env, value, &tag, &tagged) != napi_ok || !tagged) {
    Refuse(std::string("expected a ") + what);
  }
  void* data = nullptr;
  if (napi_unwrap(env, value, &data) != napi_ok) Refuse(std::string("expected a ") + what);
  return static_cast<Handle<T>*>(data);
}

template <typename T>
std::shared_ptr<T> ReadOpen(napi_env env, napi_value value, const napi_type_tag& tag, const char* what) {
  std::shared_ptr<T> object = ReadHandle<T>(env, value, tag, what)->object;
  if (!object) RefuseState(std::string("the ") + what + " is closed");
  return object;
}

}  // namespace trikd
