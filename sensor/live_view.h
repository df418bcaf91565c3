// What the control thread looks at and may change while the sensor runs.
#pragma once

#include "flowtable/flow_table.h"
#include "sensor/alert_outputs.h"
#include "sensor/config.h"
#include "sensor/config_schema.h"
#include "sensor/judge_thread.h"
#include "sensor/lanes.h"
#include "sensor/live_clock.h"
#include "sensor/uplink.h"

namespace weir {

/// All of it outlives the control thread.
struct LiveView {
  const ConfigSchema& schema;
  const ConfigArguments& arguments;  // to load the configuration again
  const SensorConfig& config;        // as it was started
  const FlowTable& table;
  Lanes& lanes;
  AlertOutputs& outputs;
  JudgeThread& judge;
  Uplink& uplink;
  const LiveClock& clock;
};

}  // namespace weir
