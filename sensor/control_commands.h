// What the control socket answers: status, top, flows, explain.
#pragma once

#include <string>

#include "sensor/live_view.h"
#include "sensor/traffic_view.h"

namespace weir {

struct ControlAnswer {
  bool ok = true;
  std::string text;  // of a refusal: one sentence
};

/// The requests of one client. Control thread.
class ControlSession {
 public:
  explicit ControlSession(const LiveView& view) : view_(view) {}

  /// `request`: a command and its words: "status", "top by=hosts sort=rate rows=20",
  /// "flows rows=50 of=10.1.2.3", "explain ID". Untrusted: what it asks for is bounded.
  ControlAnswer answer(const std::string& request);

 private:
  std::string status() const;
  ControlAnswer explain(const std::string& incident_id) const;

  const LiveView& view_;
  TrafficView traffic_;
};

}  // namespace weir
