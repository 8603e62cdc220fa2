#include "graph.h"

#include "failure.h"
#include "handle.h"
#include "values.h"

namespace trikd {
namespace {

constexpr napi_type_tag kGraphTag = {0x7472696b64677261, 0x70680000000000a1};

// Ends a half-built description. TensorFlow has no call that discards one, but finishing it consumes it.
class Description {
 public:
  Description(TF_Graph* graph, const std::string& type, const std::string& name)
      : description_(TF_NewOperation(graph, type.c_str(), name.c_str())) {}
  ~Description() {
    if (description_ == nullptr) return;
    Status ignored;
    TF_FinishOperation(description_, ignored.get());
  }
  TF_OperationDescription* get() const { return description_; }
  TF_Operation* finish(TF_Status* status) {
    TF_OperationDescription* description = description_;
    description_ = nullptr;
    return TF_FinishOperation(description, status);
  }

 private:
  TF_OperationDescription* description_;
};

struct Input {
  bool is_list;
  std::vector<TF_Output> outputs;
};

enum class AttributeKind { kType, kInt, kFloat, kBool, kString, kShape, kInts, kTypes, kShapes, kTensor };

AttributeKind ReadKind(const std::string& kind) {
  static const struct {
    const char* name;
    AttributeKind kind;
  } kKinds[] = {{"type", AttributeKind::kType},   {"int", AttributeKind::kInt},     {"float", AttributeKind::kFloat},
                {"bool", AttributeKind::kBool},   {"string", AttributeKind::kString}, {"shape", AttributeKind::kShape},
                {"ints", AttributeKind::kInts},   {"types", AttributeKind::kTypes}, {"shapes", AttributeKind::kShapes},
                {"tensor", AttributeKind::kTensor}};
  for (const auto& entry : kKinds) {
    if (kind == entry.name) return entry.kind;
  }
  Refuse("there is no attribute kind " + kind);
}

TF_Output ReadOutput(napi_env env, const Graph& graph, napi_value pair) {
  if (Length(env, pair, "an output") != 2) Refuse("an output must be [operation, index]");
  return graph.output(ReadInteger(env, Element(env, pair, 0), "an operation"),
                      ReadInteger(env, Element(env, pair, 1), "an output index"));
}

// [operation, index] is one input; an array of such pairs is a list input.
Input ReadInput(napi_env env, const Graph& graph, napi_value value) {
  const uint32_t length = Length(env, value, "an input");
  if (length == 2 && !IsArray(env, Element(env, value, 0))) return {false, {ReadOutput(env, graph, value)}};
  Input input{true, {}};
  for (uint32_t i = 0; i < length; i++) input.outputs.push_back(ReadOutput(env, graph, Element(env, value, i)));
  return input;
}

void SetAttribute(napi_env env, TF_OperationDescription* description, napi_value attribute, const std::string& type) {
  const std::string name = ReadString(env, Property(env, attribute, "name"), "an attribute name");
  const napi_value value = Property(env, attribute, "value");
  const char* what = "an attribute value";
  switch (ReadKind(ReadString(env, Property(env, attribute, "kind"), "an attribute kind"))) {
    case AttributeKind::kType: TF_SetAttrType(description, name.c_str(), ReadDataType(env, value)); return;
    case AttributeKind::kInt: TF_SetAttrInt(description, name.c_str(), ReadInteger(env, value, what)); return;
    case AttributeKind::kFloat:
      TF_SetAttrFloat(description, name.c_str(), static_cast<float>(ReadNumber(env, value, what)));
      return;
    case AttributeKind::kBool: TF_SetAttrBool(description, name.c_str(), ReadBoolean(env, value, what)); return;
    case AttributeKind::kString: {
      const std::string text = ReadString(env, value, what);
      TF_SetAttrString(description, name.c_str(), text.data(), text.size());
      return;
    }
    case AttributeKind::kShape: {
      const auto shape = ReadShape(env, value, Open::kYes, type);
      TF_SetAttrShape(description, name.c_str(), shape.data(), static_cast<int>(shape.size()));
      return;
    }
    case AttributeKind::kInts: {
      const auto integers = ReadIntegers(env, value, what);
      TF_SetAttrIntList(description, name.c_str(), integers.data(), static_cast<int>(integers.size()));
      return;
    }
    case AttributeKind::kTypes: {
      std::vector<TF_DataType> types;
      for (uint32_t i = 0, n = Length(env, value, what); i < n; i++) types.push_back(ReadDataType(env, Element(env, value, i)));
      TF_SetAttrTypeList(description, name.c_str(), types.data(), static_cast<int>(types.size()));
      return;
    }
    case AttributeKind::kShapes: {
      std::vector<std::vector<int64_t>> shapes;
      for (uint32_t i = 0, n = Length(env, value, what); i < n; i++) {
        shapes.push_back(ReadShape(env, Element(env, value, i), Open::kYes, type));
      }
      std::vector<const int64_t*> pointers;
      std::vector<int> ranks;
      for (const auto& shape : shapes) {
        pointers.push_back(shape.data());
        ranks.push_back(static_cast<int>(shape.size()));
      }
      TF_SetAttrShapeList(description, name.c_str(), pointers.data(), ranks.data(), static_cast<int>(shapes.size()));
      return;
    }
    case AttributeKind::kTensor: {
      TF_Tensor* tensor = ReadTensor(env, value, ReadDataType(env, Property(env, attribute, "dtype")),
                                     ReadShape(env, Property(env, attribute, "shape"), Open::kNo, type), type);
      Status status;
      TF_SetAttrTensor(description, name.c_str(), tensor, status.get());
      TF_DeleteTensor(tensor);
      status.check(type);
      return;
    }
  }
}

// {dtype, rank, shape}: rank and dimensions are -1 where TensorFlow cannot infer them.
napi_value DescribeOutput(napi_env env, const Graph& graph, TF_Output output) {
  Status status;
  const int rank = TF_GraphGetTensorNumDims(graph.graph, output, status.get());
  status.check();
  std::vector<int64_t> dimensions(rank > 0 ? rank : 0);
  if (rank > 0) TF_GraphGetTensorShape(graph.graph, output, dimensions.data(), rank, status.get());
  status.check();
  napi_value description, shape;
  napi_create_object(env, &description);
  napi_create_array_with_length(env, dimensions.size(), &shape);
  for (uint32_t i = 0; i < dimensions.size(); i++) {
    napi_set_element(env, shape, i, MakeNumber(env, static_cast<double>(dimensions[i])));
  }
  napi_set_named_property(env, description, "dtype", MakeNumber(env, TF_OperationOutputType(output)));
  napi_set_named_property(env, description, "rank", MakeNumber(env, rank));
  napi_set_named_property(env, description, "shape", shape);
  return description;
}

}  // namespace

TF_Operation* Graph::operation(int64_t id) const {
  if (id < 0 || id >= static_cast<int64_t>(operations.size())) {
    Refuse("the graph has no operation " + std::to_string(id));
  }
  return operations[id];
}

TF_Output Graph::output(int64_t id, int64_t index) const {
  TF_Operation* const oper = operation(id);
  if (index < 0 || index >= TF_OperationNumOutputs(oper)) {
    Refuse("the operation has no output " + std::to_string(index), TF_OperationName(oper));
  }
  return {oper, static_cast<int>(index)};
}

std::shared_ptr<Graph> ReadGraph(napi_env env, napi_value value) { return ReadOpen<Graph>(env, value, kGraphTag, "graph"); }

napi_value CreateGraph(napi_env env, std::vector<napi_value>&) {
  return MakeHandle(env, std::make_shared<Graph>(), kGraphTag);
}

napi_value CloseGraph(napi_env env, std::vector<napi_value>& arguments) {
  ReadHandle<Graph>(env, arguments[0], kGraphTag, "graph")->object.reset();
  return nullptr;
}

// addOperation(graph, type, name, inputs, attributes, controls) -> {id, outputs: [{dtype, rank, shape}]}
napi_value AddOperation(napi_env env, std::vector<napi_value>& arguments) {
  const std::shared_ptr<Graph> graph = ReadGraph(env, arguments[0]);
  const std::string type = ReadString(env, arguments[1], "an op type");
  const std::string name = ReadString(env, arguments[2], "an operation name");
  std::vector<Input> inputs;
  for (uint32_t i = 0, n = Length(env, arguments[3], "inputs"); i < n; i++) {
    inputs.push_back(ReadInput(env, *graph, Element(env, arguments[3], i)));
  }
  const uint32_t attributes = Length(env, arguments[4], "attributes");
  std::vector<TF_Operation*> controls;
  for (const int64_t id : ReadIntegers(env, arguments[5], "controls")) controls.push_back(graph->operation(id));
  // Two operations of one name end the process inside TensorFlow: refuse here.
  if (TF_GraphOperationByName(graph->graph, name.c_str()) != nullptr) {
    throw Failure{"ALREADY_EXISTS", "the graph has an operation of that name", name};
  }
  Description description(graph->graph, type, name);
  for (const Input& input : inputs) {
    if (input.is_list) {
      TF_AddInputList(description.get(), input.outputs.data(), static_cast<int>(input.outputs.size()));
    } else {
      TF_AddInput(description.get(), input.outputs[0]);
    }
  }
  for (uint32_t i = 0; i < attributes; i++) SetAttribute(env, description.get(), Element(env, arguments[4], i), type);
  for (TF_Operation* control : controls) TF_AddControlInput(description.get(), control);
  Status status;
  TF_Operation* operation = description.finish(status.get());
  status.check(type + " " + name);
  graph->operations.push_back(operation);

  napi_value result, outputs;
  napi_create_object(env, &result);
  napi_create_array(env, &outputs);
  for (int i = 0; i < TF_OperationNumOutputs(operation); i++) {
    napi_set_element(env, outputs, i, DescribeOutput(env, *graph, {operation, i}));
  }
  napi_set_named_property(env, result, "id", MakeNumber(env, static_cast<double>(graph->operations.size() - 1)));
  napi_set_named_property(env, result, "outputs", outputs);
  return result;
}

}  // namespace trikd
