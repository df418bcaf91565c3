// Where a replay's alerts go beside its own output: a spool, and from there to a collector.
#include "sensor/replay_uplink.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "flowtable/error.h"
#include "sensor/client_tls.h"

namespace weir {
namespace {

UplinkOptions options_of(const SensorConfig& config, const std::string& collector) {
  UplinkOptions options = uplink_options(config, WEIR_VERSION);
  options.collector = collector;  // that of the configuration is a sensor's, not a replay's
  if (collector.empty()) return options;
  const auto [host, port] = host_and_port(collector);
  uint16_t number = 0;
  const auto read = std::from_chars(port.data(), port.data() + port.size(), number);
  if (host.empty() || number == 0 || read.ptr != port.data() + port.size())
    throw Error(kExitUsage, "--collector " + collector +
                                ": no address with a port; give HOST:PORT such as "
                                "weir.example:7443");
  if (options.ca_file.empty() || options.certificate_file.empty() || options.key_file.empty())
    throw Error(kExitUsage, "--collector " + collector +
                                ": it knows a sensor by its certificate; give uplink.ca_file, "
                                "uplink.certificate_file and uplink.key_file with --config FILE "
                                "or --set");
  return options;
}

}  // namespace

ReplayUplink::ReplayUplink(const SensorConfig& config, const ReplayArguments& arguments,
                           uint64_t epoch)
    : collector_(arguments.collector), state_(arguments.state) {
  UplinkOptions uplink = options_of(config, collector_);
  const auto say = [this](const std::string& sentence) { hear(sentence); };
  SpoolOptions options;
  options.state_dir = state_;
  options.max_bytes = config.spool.max_bytes;
  options.epoch = state_.empty() ? epoch : 0;
  options.keeps_alerts = !collector_.empty();
  auto spool = std::make_unique<Spool>(options, say);
  epoch_ = spool->epoch();
  next_sequence_ = spool->next_sequence();
  saved_ = spool->read_state();
  uplink_ = std::make_unique<Uplink>(std::move(uplink), std::move(spool),
                                     UplinkHooks{say, nullptr, nullptr, nullptr});
}

void ReplayUplink::hear(const std::string& sentence) {
  const std::lock_guard lock(mutex_);
  sentences_.push_back(sentence);
}

std::vector<std::string> ReplayUplink::sentences() {
  const std::lock_guard lock(mutex_);
  return std::exchange(sentences_, {});
}

void ReplayUplink::submit(SpoolBatch batch) {
  submitted_ += batch.alerts.size();
  if (!batch.alerts.empty() || !batch.state.empty()) uplink_->submit(std::move(batch));
}

bool ReplayUplink::delivered() const {
  return uplink_->wait_acknowledged(std::chrono::milliseconds(200));
}

uint64_t ReplayUplink::missing() const {
  const UplinkStatus status = uplink_->status();
  const uint64_t last = std::max(next_sequence_ + submitted_, status.next_sequence) - 1;
  return last - std::min(last, status.acknowledged);
}

std::string ReplayUplink::progress() const {
  const UplinkStatus status = uplink_->status();
  const uint64_t left = missing();
  return "waiting for " + collector_ + (status.connected ? "" : ", not connected") + ": " +
         std::to_string(left) + (left == 1 ? " alert is" : " alerts are") + " not acknowledged";
}

std::string ReplayUplink::missing_line() const {
  const uint64_t left = missing();
  const std::string how =
      state_.empty() ? "replay the same captures with the same configuration again, nothing is "
                       "stored twice"
                     : "they wait in " + state_ + "/spool.db for the next replay with this state";
  return "--collector " + collector_ + ": " + std::to_string(left) +
         (left == 1 ? " alert is" : " alerts are") + " not acknowledged; " + how;
}

}  // namespace weir
