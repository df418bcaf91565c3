// An alert as one line of JSON.
#include "proto/alert_json.h"

#include <google/protobuf/util/json_util.h>

#include <stdexcept>

namespace weir {

std::string alert_json(const v1::Alert& alert) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(alert, &json, options);
  if (!status.ok()) throw std::invalid_argument("alert is no JSON: " + status.ToString());
  return json;
}

}  // namespace weir
