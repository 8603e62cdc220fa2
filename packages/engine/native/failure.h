// Every error of the addon is a Failure: thrown as a C++ exception, turned into one JavaScript error at the border.
#pragma once
#include <node_api.h>
#include <tensorflow/c/c_api.h>

#include <string>
#include <utility>

namespace trikd {

struct Failure {
  std::string code;       // a TensorFlow status name, such as INVALID_ARGUMENT
  std::string message;    // one sentence
  std::string operation;  // the node or op type concerned; may be empty
};

// The name of a TensorFlow status code, as TensorFlow spells it.
const char* StatusName(TF_Code code);

// A JavaScript Error with the properties `code` and `operation`.
napi_value ToError(napi_env env, const Failure& failure);

[[noreturn]] inline void Refuse(std::string message, std::string operation = "") {
  throw Failure{"INVALID_ARGUMENT", std::move(message), std::move(operation)};
}

[[noreturn]] inline void RefuseState(std::string message) { throw Failure{"FAILED_PRECONDITION", std::move(message), ""}; }

// Owns a TF_Status.
class Status {
 public:
  Status() : status_(TF_NewStatus()) {}
  ~Status() { TF_DeleteStatus(status_); }
  Status(const Status&) = delete;
  Status& operator=(const Status&) = delete;
  TF_Status* get() const { return status_; }
  bool ok() const { return TF_GetCode(status_) == TF_OK; }
  Failure failure(std::string operation = "") const {
    return {StatusName(TF_GetCode(status_)), TF_Message(status_), std::move(operation)};
  }
  void check(const std::string& operation = "") const {
    if (!ok()) throw failure(operation);
  }

 private:
  TF_Status* status_;
};

}  // namespace trikd
