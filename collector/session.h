// One connected sensor: who it is, what it says, what was acknowledged.
#pragma once

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "collector/config.h"
#include "collector/metrics.h"
#include "collector/tls.h"
#include "collector/writer.h"
#include "proto/envelope_codec.h"

namespace weir::collector {

/// Lives as long as its connection. All calls on the thread of its executor; the writer's answers
/// are posted there.
class Session : public std::enable_shared_from_this<Session> {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  /// Asked when a sensor has said who it is: may it come in? Null: yes.
  using Admit = std::function<const char*(Session& session)>;
  using Left = std::function<void(Session& session)>;

  Session(Socket socket, std::shared_ptr<TlsContext> tls, const Config& config, Writer& writer,
          Metrics& metrics, Admit admit, Left left);

  /// Serves the connection until it ends.
  void start();

  /// What was submitted is still acknowledged; nothing more is read.
  void finish();
  /// Ends the connection now.
  void close();

  const std::string& sensor() const { return sensor_; }
  uint64_t epoch() const { return epoch_; }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr size_t kReadBytes = size_t{64} * 1024;

  void shaken_hands(const boost::system::error_code& error);
  void read();
  void take_pieces();
  bool take(v1::Envelope& envelope);
  bool greet(const v1::Hello& hello);
  bool take_alerts(v1::Envelope& envelope);
  void submit(Arrival arrival);
  void slow_down(int alerts);
  void answered(bool stored, uint64_t acknowledged, bool greeting);
  void send(const v1::Envelope& envelope);
  void write_more();
  void expect_within_s(uint64_t seconds, Refusal otherwise);
  bool refuse(Refusal why, const std::string& sentence);
  void leave();
  void end_if_idle();

  boost::asio::ssl::stream<Socket> stream_;
  std::shared_ptr<TlsContext> tls_;
  const Config& config_;
  Writer& writer_;
  Metrics& metrics_;
  Admit admit_;
  Left left_;
  std::string peer_;
  std::string sensor_;
  uint64_t epoch_ = 0;
  bool greeted_ = false;
  bool reading_ = false;  // a read is under way
  bool waiting_ = false;  // it sent faster than it may
  bool leaving_ = false;  // nothing more is read; what was submitted is still answered
  bool gone_ = false;
  std::array<char, kReadBytes> piece_;
  EnvelopeDecoder decoder_;
  std::string to_send_, being_sent_;
  size_t unanswered_ = 0;  // arrivals at the writer
  Clock::time_point next_alert_at_{};
  boost::asio::steady_timer deadline_;
  boost::asio::steady_timer pause_;
};

}  // namespace weir::collector
