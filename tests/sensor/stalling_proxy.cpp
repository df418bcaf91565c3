// A TCP proxy of two threads a connection.
#include "tests/sensor/stalling_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace weir::testing {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

}  // namespace

StallingProxy::StallingProxy(int port) : target_port_(port) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t address_bytes = sizeof(address);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(listener_, 16) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &address_bytes) != 0)
    throw std::runtime_error("no port to listen on");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept(); });
}

StallingProxy::~StallingProxy() {
  ending_ = true;
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  close(listener_);
  cut();
  for (std::thread& thread : threads_) thread.join();
  for (const int descriptor : sockets_) close(descriptor);
}

// Closed only at the end, so that no number is used twice while a thread still has it.
void StallingProxy::cut() {
  const std::lock_guard lock(mutex_);
  for (const int descriptor : sockets_) shutdown(descriptor, SHUT_RDWR);
}

void StallingProxy::accept() {
  while (!ending_) {
    const int from = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (from < 0) continue;
    const int to = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(target_port_);
    const bool connected =
        connect(to, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    if (!connected) shutdown(from, SHUT_RDWR);
    const std::lock_guard lock(mutex_);
    sockets_.insert({from, to});
    if (!connected) continue;
    threads_.emplace_back([this, from, to] { forward(from, to); });
    threads_.emplace_back([this, from, to] { forward(to, from); });
  }
}

void StallingProxy::forward(int from, int to) {
  char bytes[16384];
  for (;;) {
    const ssize_t count = recv(from, bytes, sizeof(bytes), 0);
    while (stalled_ && !ending_) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (count <= 0) break;
    ssize_t sent = 0;
    while (sent < count) {
      const ssize_t more = send(to, bytes + sent, static_cast<size_t>(count - sent), MSG_NOSIGNAL);
      if (more <= 0) break;
      sent += more;
    }
  }
  shutdown(to, SHUT_RDWR);
  shutdown(from, SHUT_RDWR);
}

}  // namespace weir::testing
