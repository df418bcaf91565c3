// The client's side of the control socket, and the screen of `top`.
#include "sensor/control_client.h"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <iostream>
#include <thread>

#include "flowtable/error.h"

namespace weir {
namespace {

namespace asio = boost::asio;

constexpr int kRefresh_ms = 1000;
constexpr char kCtrlC = 3;

/// One connection; the sensor remembers a viewer's last look as long as it lasts.
class Connection {
 public:
  explicit Connection(const std::string& path) : socket_(context_), path_(path) {
    if (path.empty())
      throw Error(kExitUsage,
                  "sensor.control is \"\", so this sensor answers no commands; name a "
                  "socket with --control PATH");
    try {
      socket_.connect(path);
    } catch (const boost::system::system_error& error) {
      const bool denied = error.code() == asio::error::access_denied;
      throw Error(kExitFailed,
                  "no sensor answers at " + path + " (" + error.code().message() + "); " +
                      (denied ? "join the group of the socket, or ask as root"
                              : "start it with `weir-sensor run`, or name its socket with "
                                "--control PATH"));
    }
  }

  std::string ask(const std::string& request) {
    try {
      asio::write(socket_, asio::buffer(request + "\n"));
      std::string reply;
      const size_t head = asio::read_until(socket_, asio::dynamic_buffer(reply), '\n');
      const std::string line = reply.substr(0, head - 1);
      reply.erase(0, head);
      const bool ok = line.starts_with("ok ");
      const size_t bytes = std::stoul(line.substr(line.find(' ') + 1));
      if (reply.size() < bytes)
        asio::read(socket_, asio::dynamic_buffer(reply),
                   asio::transfer_exactly(bytes - reply.size()));
      if (!ok) throw Error(kExitFailed, reply);
      return reply;
    } catch (const boost::system::system_error& error) {
      throw Error(kExitFailed, "the sensor at " + path_ + " stopped answering (" +
                                   error.code().message() + "); see its log");
    }
  }

 private:
  asio::io_context context_;
  asio::local::stream_protocol::socket socket_;
  std::string path_;
};

/// Keys one by one and without echo, as long as this lives; the cursor is hidden.
class Keyboard {
 public:
  Keyboard() {
    tcgetattr(STDIN_FILENO, &before_);
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    std::cout << "\x1b[?25l";
  }
  ~Keyboard() {
    std::cout << "\x1b[?25h" << std::flush;
    tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  Keyboard(const Keyboard&) = delete;
  Keyboard& operator=(const Keyboard&) = delete;

  /// 0 if none was pressed in time.
  static char wait() {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    char key = 0;
    if (poll(&input, 1, kRefresh_ms) > 0 && read(STDIN_FILENO, &key, 1) != 1) key = 'q';
    return key;
  }

 private:
  termios before_{};
};

void apply(char key, ControlArguments& arguments) {
  constexpr std::pair<char, const char*> kSorts[] = {
      {'o', "out"}, {'i', "in"}, {'r', "rate"}, {'p', "packets"}};
  constexpr std::pair<char, const char*> kBys[] = {
      {'a', "pairs"}, {'h', "hosts"}, {'d', "destinations"}};
  for (const auto& [letter, sort] : kSorts)
    if (key == letter) arguments.sort = sort;
  for (const auto& [letter, by] : kBys)
    if (key == letter) arguments.by = by;
}

std::string top_request(const ControlArguments& arguments) {
  return "top by=" + arguments.by + " sort=" + arguments.sort +
         " rows=" + std::to_string(arguments.rows);
}

int live_top(Connection& connection, ControlArguments arguments) {
  const Keyboard keyboard;
  for (;;) {
    const std::string table = connection.ask(top_request(arguments));
    std::cout << "\x1b[2J\x1b[Hby " << arguments.by << ", sorted by " << arguments.sort
              << "   keys: a pairs, h hosts, d destinations; o out, i in, r rate, p packets; q\n\n"
              << table << std::flush;
    const char key = Keyboard::wait();
    if (key == 'q') return kExitDone;
    if (key == kCtrlC) return kExitInterrupted;
    apply(key, arguments);
  }
}

/// Two looks a second apart, so that there are rates.
std::string top_once(Connection& connection, const ControlArguments& arguments) {
  connection.ask(top_request(arguments));
  std::this_thread::sleep_for(std::chrono::milliseconds(kRefresh_ms));
  return connection.ask(top_request(arguments));
}

}  // namespace

int run_control(const std::string& path, const ControlArguments& arguments) {
  Connection connection(path);
  if (arguments.command != "top") {
    std::string request = arguments.command;
    if (arguments.command == "flows") {
      request += " rows=" + std::to_string(arguments.rows);
      if (!arguments.of.empty()) request += " of=" + arguments.of;
    }
    if (arguments.command == "explain") request += " " + arguments.of;
    std::cout << connection.ask(request);
    return kExitDone;
  }
  if (isatty(STDOUT_FILENO) == 1 && isatty(STDIN_FILENO) == 1 && !arguments.once)
    return live_top(connection, arguments);
  std::cout << top_once(connection, arguments);
  return kExitDone;
}

}  // namespace weir
