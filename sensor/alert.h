// From an incident to the alert that leaves the sensor: every field of the contract.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "detectors/detector.h"
#include "flowtable/lane_counters.h"
#include "sensor/incident.h"
#include "weir/v1/alert.pb.h"

namespace weir {

/// What an alert says beside the incident itself.
struct AlertContext {
  std::string sensor_id;
  uint64_t epoch = 0;
  std::vector<std::string> networks;  // names by network id
  std::span<const Detector* const> detectors;
};

std::string network_name(const AlertContext& context, uint16_t network);

/// "tcp", "udp", "icmp", "icmpv6", "sctp", else the number.
std::string protocol_text(uint8_t protocol);

/// What was not seen, from the counters of all lanes added up. `read_bytes`: of the outbound IP
/// bytes, those a detector thread read.
v1::Coverage coverage_of(const LaneCounters& sum, uint64_t read_bytes);

/// The alert of the incident's current revision, without its sequence number and coverage.
/// `id_of`: the incident id of an open incident, or "".
v1::Alert make_alert(const AlertContext& context, const Incident& incident, v1::Alert::State state,
                     const std::function<std::string(const IncidentKey&)>& id_of);

}  // namespace weir
