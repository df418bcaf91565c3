// The uplink's thread: writes what is submitted, keeps a session to the collector, publishes how
// things stand.
#include "sensor/uplink.h"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <random>
#include <thread>
#include <utility>  // Asio 1.74 forgets it

#include "flowtable/error.h"
#include "sensor/client_tls.h"
#include "sensor/uplink_session.h"

namespace weir {
namespace {

namespace asio = boost::asio;

/// How often what waits is written again, and acknowledged alerts leave the disk.
constexpr std::chrono::seconds kTick{1};
uint64_t now_s() { return static_cast<uint64_t>(std::time(nullptr)); }

}  // namespace

UplinkOptions uplink_options(const SensorConfig& config, const std::string& version) {
  UplinkOptions options;
  options.sensor_id = config.sensor.id;
  options.version = version;
  options.collector = config.uplink.collector;
  options.server_name = config.uplink.server_name;
  options.ca_file = config.uplink.ca_file;
  options.certificate_file = config.uplink.certificate_file;
  options.key_file = config.uplink.key_file;
  options.retry_min_ms = config.uplink.retry_min_ms;
  options.retry_max_ms = config.uplink.retry_max_ms;
  options.heartbeat_s = config.uplink.heartbeat_s;
  return options;
}

uint64_t certificate_expires_s(const UplinkOptions& options) {
  return ClientTls(options).expires_s();
}

UplinkMetrics metrics_of(const UplinkStatus& status) {
  UplinkMetrics metrics;
  metrics.spool_alerts = status.spool.alerts;
  metrics.spool_waiting_alerts = status.spool.waiting_alerts;
  metrics.spool_dropped_alerts = status.spool.dropped_alerts;
  metrics.spool_write_failures = status.spool.write_failures;
  metrics.spool_rebuilds = status.spool.rebuilds;
  metrics.connected = status.connected ? 1 : 0;
  metrics.last_acknowledged_s = static_cast<uint64_t>(status.last_acknowledged_s);
  metrics.sent_alerts = status.sent_alerts;
  metrics.sent_gaps = status.sent_gaps;
  metrics.failed_connections = status.failed_connections;
  metrics.directives = status.directives;
  metrics.certificate_expires_s = status.certificate_expires_s;
  return metrics;
}

class Uplink::Thread {
 public:
  Thread(UplinkOptions options, std::unique_ptr<Spool> spool, UplinkHooks hooks)
      : options_(std::move(options)),
        spool_(std::move(spool)),
        hooks_(std::move(hooks)),
        work_(asio::make_work_guard(io_)),
        retry_(io_),
        tick_(io_),
        random_(std::random_device()()) {
    if (!options_.collector.empty()) {
      tls_ = std::make_shared<ClientTls>(options_);
      note_expiry();
    }
    publish();
    asio::post(io_, [this] {
      tick();
      connect();
    });
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Thread() { stop(); }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  void submit(SpoolBatch batch) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(batch));
    if (std::exchange(drain_is_posted_, true)) return;
    asio::post(io_, [this] { drain(); });
  }

  void reload() {
    asio::post(io_, [this] { read_certificates(); });
  }

  UplinkStatus status() const {
    const std::lock_guard lock(mutex_);
    return published_;
  }

  bool wait_acknowledged(std::chrono::milliseconds patience) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [this] {
      return !drain_is_posted_ && published_.spool.waiting_alerts == 0 &&
             published_.acknowledged + 1 >= published_.next_sequence;
    });
  }

  void stop() {
    if (!thread_.joinable()) return;
    asio::post(io_, [this] { finish(); });
    thread_.join();
    session_.reset();
    spool_.reset();  // its file may be opened by the next
  }

 private:
  void drain();
  void tick();
  void connect();
  void ended(const ClientTls::Trouble& trouble);
  void retry_later();
  void read_certificates();
  void note_expiry();
  void publish();
  void finish();
  void say(const std::string& sentence) { hooks_.say(sentence); }
  std::string place() const { return "uplink.collector = \"" + options_.collector + "\": "; }

  const UplinkOptions options_;
  std::unique_ptr<Spool> spool_;
  const UplinkHooks hooks_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  // Of the thread alone.
  std::shared_ptr<ClientTls> tls_;  // null: no collector is configured
  std::shared_ptr<UplinkSession> session_;
  asio::steady_timer retry_, tick_;
  uint32_t failures_ = 0;  // since a connection that was of use
  std::minstd_rand random_;
  UplinkStatus status_;
  std::string said_;  // the trouble that was said last
  bool finished_ = false;
  // Of everybody.
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<SpoolBatch> queue_;
  bool drain_is_posted_ = false;
  UplinkStatus published_;
  std::thread thread_;
};

/// All that was submitted meanwhile goes into one commit.
void Uplink::Thread::drain() {
  std::vector<SpoolBatch> batches;
  {
    const std::lock_guard lock(mutex_);
    batches.swap(queue_);
  }
  for (SpoolBatch& batch : batches) spool_->add(batch);
  spool_->write_waiting();
  if (session_) session_->wake();
  if (hooks_.stored)
    for (const SpoolBatch& batch : batches)
      if (!batch.alerts.empty()) hooks_.stored(batch.alerts);
  {
    const std::lock_guard lock(mutex_);
    drain_is_posted_ = !queue_.empty();
    if (drain_is_posted_) asio::post(io_, [this] { drain(); });
  }
  publish();
}

void Uplink::Thread::tick() {
  if (finished_) return;
  spool_->write_waiting();
  if (session_) session_->wake();  // what waited may be on disk now
  publish();
  tick_.expires_after(kTick);
  tick_.async_wait([this](const boost::system::error_code& error) {
    if (!error) tick();
  });
}

void Uplink::Thread::connect() {
  if (!tls_ || finished_) return;
  UplinkSession::Hooks hooks;
  hooks.welcomed = [this](const v1::Welcome& welcome) {
    ++status_.welcomes;
    status_.connected = true;
    status_.refused = false;
    status_.trouble.clear();
    status_.collector_version = welcome.version();
    said_.clear();
    say(place() + "connected to weir-collector " + welcome.version());
    publish();
  };
  hooks.acknowledged = [this] {
    status_.last_acknowledged_s = static_cast<int64_t>(now_s());
    publish();
  };
  hooks.directed = [this] {
    if (status_.directives++ == 0)
      say(place() + "it sent a directive; this version follows none and counts them");
    publish();
  };
  hooks.connecting = hooks_.connecting;
  hooks.fill_heartbeat = hooks_.fill_heartbeat;
  hooks.ended = [this](const ClientTls::Trouble& trouble) { ended(trouble); };
  session_ =
      std::make_shared<UplinkSession>(io_, tls_, options_, *spool_, status_, std::move(hooks));
  session_->start();
}

void Uplink::Thread::ended(const ClientTls::Trouble& trouble) {
  if (session_->was_useful()) failures_ = 0;
  session_.reset();
  ++status_.failed_connections;
  status_.connected = false;
  status_.refused = trouble.refused;
  status_.trouble = place() + trouble.sentence;
  if (said_ != trouble.sentence) say(status_.trouble);
  said_ = trouble.sentence;
  publish();
  retry_later();
}

/// Doubles with each failure; the half of it is at random, so that the sensors of a collector that
/// starts again do not come all at once.
void Uplink::Thread::retry_later() {
  const uint64_t longest_ms = options_.retry_max_ms;
  const uint64_t pause_ms =
      std::min(longest_ms, uint64_t{options_.retry_min_ms} << std::min(failures_, 20u));
  ++failures_;
  std::uniform_int_distribution<uint64_t> jitter(pause_ms / 2, pause_ms);
  retry_.expires_after(std::chrono::milliseconds(jitter(random_)));
  retry_.async_wait([this](const boost::system::error_code& error) {
    if (!error) connect();
  });
}

void Uplink::Thread::read_certificates() {
  if (!tls_ || finished_) return;
  try {
    tls_ = std::make_shared<ClientTls>(options_);
  } catch (const Error& error) {
    say(std::string(error.what()) + "; the certificates from before stay in use");
    return;
  }
  note_expiry();
  if (session_) session_->close();
  session_.reset();
  status_.connected = false;
  failures_ = 0;
  retry_.cancel();
  connect();
  publish();
}

void Uplink::Thread::note_expiry() {
  status_.certificate_expires_s = tls_->expires_s();
  if (tls_->expires_s() > now_s() + kExpiryNotice_s) return;
  const uint64_t left_s = tls_->expires_s() - std::min(tls_->expires_s(), now_s());
  say("uplink.certificate_file = \"" + options_.certificate_file + "\": " +
      (left_s == 0 ? "has expired" : "expires in " + std::to_string(left_s / 86400) + " days") +
      "; issue a new one for this sensor and reload it");
}

void Uplink::Thread::publish() {
  status_.epoch = spool_->epoch();
  status_.next_sequence = spool_->next_sequence();
  status_.acknowledged = spool_->acknowledged();
  status_.spool = spool_->counters();
  {
    const std::lock_guard lock(mutex_);
    published_ = status_;
  }
  changed_.notify_all();
}

void Uplink::Thread::finish() {
  drain();
  finished_ = true;
  retry_.cancel();
  tick_.cancel();
  if (session_) session_->shut_down();
  status_.connected = false;
  spool_->write_waiting();
  publish();
  work_.reset();
}

Uplink::Uplink(UplinkOptions options, std::unique_ptr<Spool> spool, UplinkHooks hooks)
    : thread_(std::make_unique<Thread>(std::move(options), std::move(spool), std::move(hooks))) {}

Uplink::~Uplink() = default;

void Uplink::submit(SpoolBatch batch) { thread_->submit(std::move(batch)); }
void Uplink::reload_certificates() { thread_->reload(); }
UplinkStatus Uplink::status() const { return thread_->status(); }
bool Uplink::wait_acknowledged(std::chrono::milliseconds patience) const {
  return thread_->wait_acknowledged(patience);
}
void Uplink::stop() { thread_->stop(); }

}  // namespace weir
