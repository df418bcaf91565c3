// An open incident as bytes and back, so that it continues under its id after a restart.
#pragma once

#include <string>
#include <string_view>

#include "sensor/alert.h"
#include "sensor/incident.h"

namespace weir {

/// Everything the judge knows of it (sensor/incident_state.proto).
std::string incident_state(const AlertContext& context, const Incident& incident);

/// The key alone: of what a storm absorbed.
std::string incident_key_state(const AlertContext& context, const IncidentKey& key);

/// The incident as it was. Its ledger stands as carried, since the records it was read from ended
/// with the process; its places in the table name nothing. A network that is configured no more is
/// appended to `context.networks`: the incident closes under its old name. Evidence of a detector
/// that is built in no more is left out. False: the bytes are none of ours.
bool restore_incident(AlertContext& context, std::string_view bytes, Incident& incident);
bool restore_incident_key(AlertContext& context, std::string_view bytes, IncidentKey& key);

}  // namespace weir
