// A TensorFlow graph under construction. JavaScript holds it by a handle and names its nodes by number.
#pragma once
#include <node_api.h>
#include <tensorflow/c/c_api.h>

#include <memory>
#include <string>
#include <vector>

namespace trikd {

struct Graph {
  Graph() : graph(TF_NewGraph()) {}
  // TensorFlow keeps the graph until the last session on it is gone.
  ~Graph() { TF_DeleteGraph(graph); }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // The operation with that number. Refuses a number that was never given out.
  TF_Operation* operation(int64_t id) const;
  // Output `index` of operation `id`. Refuses an index that the operation does not have.
  TF_Output output(int64_t id, int64_t index) const;

  TF_Graph* const graph;
  std::vector<TF_Operation*> operations;
};

napi_value CreateGraph(napi_env env, std::vector<napi_value>& arguments);
napi_value AddOperation(napi_env env, std::vector<napi_value>& arguments);
napi_value CloseGraph(napi_env env, std::vector<napi_value>& arguments);

// The graph behind a JavaScript value. Refuses anything that is not an open graph.
std::shared_ptr<Graph> ReadGraph(napi_env env, napi_value value);

}  // namespace trikd
