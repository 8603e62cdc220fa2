// An addon that is one function: gives what malloc keeps for later back to the system, in all arenas.
#include <malloc.h>
#include <node_api.h>

static napi_value MallocTrim(napi_env env, napi_callback_info info) {
  (void)env;
  (void)info;
  malloc_trim(0);
  return NULL;  // undefined
}

napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  napi_value function;
  return napi_create_function(env, "mallocTrim", NAPI_AUTO_LENGTH, MallocTrim, NULL, &function) == napi_ok ? function : exports;
}
