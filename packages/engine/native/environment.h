// What the addon keeps for one JavaScript environment (a process may load it in several worker threads).
#pragma once
#include <node_api.h>

#include <list>
#include <memory>

#include "session.h"
#include "workers.h"

namespace trikd {

struct Environment {
  static Environment* Of(napi_env env);
  static void Install(napi_env env);

  // Registers a session to be cancelled when the environment ends: a run that waits in a queue would outlive it.
  void Remember(const std::shared_ptr<Session>& session);
  // Cancels all sessions and waits for the threads that work. May be called again.
  void End();

  std::shared_ptr<Workers> workers;

 private:
  std::list<std::weak_ptr<Session>> sessions_;
};

}  // namespace trikd
