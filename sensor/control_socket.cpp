// Serves the control socket on the control thread.
#include "sensor/control_socket.h"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <memory>

#include "flowtable/error.h"
#include "sensor/control_commands.h"

namespace weir {
namespace {

namespace asio = boost::asio;
using Socket = asio::local::stream_protocol::socket;
using Failure = boost::system::error_code;

constexpr size_t kRequestMaxBytes = 1024;
constexpr int kClientsMost = 16;
constexpr std::chrono::seconds kPatience{60};  // with a client that asks nothing or reads nothing

/// One client, from its connection to its end; it keeps itself alive meanwhile.
class Client : public std::enable_shared_from_this<Client> {
 public:
  Client(Socket socket, const LiveView& view, int& clients)
      : socket_(std::move(socket)),
        patience_(socket_.get_executor()),
        session_(view),
        clients_(clients) {
    ++clients_;
  }
  ~Client() { --clients_; }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void read() {
    wait();
    asio::async_read_until(socket_, asio::dynamic_buffer(request_, kRequestMaxBytes), '\n',
                           [self = shared_from_this()](const Failure& failure, size_t size) {
                             if (!failure)
                               self->answer(size);
                             else
                               self->end();
                           });
  }

 private:
  void answer(size_t size) {
    const ControlAnswer answer = session_.answer(request_.substr(0, size - 1));
    request_.erase(0, size);
    answer_ =
        (answer.ok ? "ok " : "error ") + std::to_string(answer.text.size()) + "\n" + answer.text;
    wait();
    asio::async_write(socket_, asio::buffer(answer_),
                      [self = shared_from_this()](const Failure& failure, size_t) {
                        if (!failure)
                          self->read();
                        else
                          self->end();
                      });
  }

  void wait() {
    patience_.expires_after(kPatience);
    patience_.async_wait([self = shared_from_this()](const Failure& failure) {
      if (!failure) self->end();
    });
  }

  void end() {
    Failure ignored;
    patience_.cancel();
    socket_.close(ignored);
  }

  Socket socket_;
  asio::steady_timer patience_;
  ControlSession session_;
  int& clients_;
  std::string request_, answer_;
};

/// Whether a process listens at the path.
bool is_answered(asio::io_context& context, const std::string& path) {
  Socket probe(context);
  Failure failure;
  probe.connect(path, failure);
  return !failure;
}

}  // namespace

ControlSocket::ControlSocket(asio::io_context& context, const std::string& path,
                             const LiveView& view)
    : path_(path), view_(view), acceptor_(context) {
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    throw Error(kExitUsage, "sensor.control: " + path +
                                " is longer than a socket's path may be; "
                                "name one of at most 107 characters");
  if (is_answered(context, path))
    throw Error(kExitFailed, "sensor.control: another sensor answers at " + path +
                                 "; stop it, or give this one another path");
  unlink(path.c_str());
  try {
    acceptor_.open();
    const mode_t mask = umask(0117);
    Failure failure;
    acceptor_.bind(path, failure);
    umask(mask);
    if (failure) throw boost::system::system_error(failure);
    acceptor_.listen();
  } catch (const boost::system::system_error& error) {
    throw Error(kExitFailed, "sensor.control: " + path + " cannot be made (" +
                                 error.code().message() +
                                 "); name a path whose folder the sensor may write to, or \"\"");
  }
  accept();
}

ControlSocket::~ControlSocket() { unlink(path_.c_str()); }

void ControlSocket::accept() {
  acceptor_.async_accept([this](const Failure& failure, Socket socket) {
    if (failure == asio::error::operation_aborted) return;
    // Above the limit a client is let go at once.
    if (!failure && clients_ < kClientsMost)
      std::make_shared<Client>(std::move(socket), view_, clients_)->read();
    accept();
  });
}

}  // namespace weir
