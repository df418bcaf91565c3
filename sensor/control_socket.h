// The Unix socket of the control commands: lines in, answers out.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <string>

#include "sensor/live_view.h"

namespace weir {

/// A request is a line of at most 1024 bytes. An answer is "ok SIZE\n" or "error SIZE\n" and SIZE
/// bytes of text. A client may ask again on the same connection; a silent one is let go.
class ControlSocket {
 public:
  /// Listens at `path`, mode 0660; a socket that nobody answers at is replaced. Throws Error
  /// (kExitFailed): another sensor has it, or the folder cannot be written to.
  ControlSocket(boost::asio::io_context& context, const std::string& path, const LiveView& view);
  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

 private:
  void accept();

  std::string path_;
  const LiveView& view_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
  int clients_ = 0;
};

}  // namespace weir
