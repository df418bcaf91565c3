// One connected sensor: who it is, what it says, what was acknowledged.
#pragma once

#include <boost/asio/awaitable.hpp>
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

  /// Serves the connection until it ends, which never throws.
  boost::asio::awaitable<void> serve();

  /// What was submitted is still acknowledged; nothing more is read.
  void finish();
  /// Ends the connection now.
  void close();

  const std::string& sensor() const { return sensor_; }
  uint64_t epoch() const { return epoch_; }

 private:
  using Clock = std::chrono::steady_clock;

  boost::asio::awaitable<void> converse();
  boost::asio::awaitable<bool> next(v1::Envelope& envelope);
  boost::asio::awaitable<void> greet(const v1::Hello& hello);
  boost::asio::awaitable<void> take(v1::Envelope& envelope);
  boost::asio::awaitable<void> submit(Arrival arrival);
  boost::asio::awaitable<void> slow_down(int alerts);
  void answered(bool stored, uint64_t acknowledged, bool greeting);
  void send(const v1::Envelope& envelope);
  void write_more();
  void expect_within_s(uint64_t seconds, Refusal otherwise);
  [[noreturn]] void refuse(Refusal why, const std::string& sentence);

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
  bool admitted_ = false;
  bool finishing_ = false;
  EnvelopeDecoder decoder_;
  std::string to_send_, being_sent_;
  size_t unanswered_ = 0;  // arrivals at the writer
  Clock::time_point next_alert_at_{};
  boost::asio::steady_timer deadline_;
  boost::asio::steady_timer room_;  // cancelled when the writer has answered
};

}  // namespace weir::collector
