// weir-collector as its users run it: a process of its own in a folder of its own.
#include "tests/collector/collector_run.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace weir::testing {
namespace {

std::filesystem::path make_folder() {
  std::string path = std::filesystem::temp_directory_path() / "weir-collector-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary folder");
  return path;
}

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = loopback(0);
  socklen_t bytes = sizeof(address);
  bind(socket, reinterpret_cast<sockaddr*>(&address), bytes);
  getsockname(socket, reinterpret_cast<sockaddr*>(&address), &bytes);
  ::close(socket);
  return ntohs(address.sin_port);
}

int connect_to(int port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  if (connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0)
    return socket;
  ::close(socket);
  return -1;
}

pid_t spawn(const std::string& program, const std::vector<std::string>& words, int out, int err) {
  std::vector<char*> arguments = {const_cast<char*>(program.c_str())};
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  pid_t process = 0;
  const int failed =
      posix_spawn(&process, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw std::runtime_error("cannot start " + program);
  return process;
}

int wait_for(pid_t process) {
  int status = 0;
  waitpid(process, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

int writable(const std::filesystem::path& path) {
  return open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

}  // namespace

Said run_program(const std::string& program, const std::vector<std::string>& words) {
  const std::filesystem::path folder = make_folder();
  const int out = writable(folder / "out"), err = writable(folder / "err");
  Said said;
  said.exit_code = wait_for(spawn(program, words, out, err));
  ::close(out);
  ::close(err);
  said.out = text_of(folder / "out");
  said.err = text_of(folder / "err");
  std::filesystem::remove_all(folder);
  return said;
}

CollectorRun::CollectorRun()
    : folder_(make_folder()),
      authority_(folder_, "ca"),
      own_(authority_.issue("collector", "127.0.0.1")),
      port_(free_port()),
      http_port_(free_port()) {}

CollectorRun::~CollectorRun() {
  if (process_ != 0) end(SIGKILL);
  std::filesystem::remove_all(folder_);
}

std::vector<std::string> CollectorRun::settings() const {
  std::vector<std::string> words;
  for (const std::string& setting :
       {"ca_file=" + authority_.file(), "certificate_file=" + own_.certificate,
        "key_file=" + own_.key, "store=" + store(), "listen=127.0.0.1:" + std::to_string(port_),
        "http=127.0.0.1:" + std::to_string(http_port_)}) {
    words.push_back("--set");
    words.push_back(setting);
  }
  return words;
}

void CollectorRun::start(const std::vector<std::string>& set) {
  std::vector<std::string> words = settings();
  words.insert(words.begin(), "run");
  for (const std::string& setting : set) {
    words.push_back("--set");
    words.push_back(setting);
  }
  const int log = writable(folder_ / "log");
  process_ = spawn(WEIR_COLLECTOR, words, log, log);
  ::close(log);
  for (int tries = 0; tries < 1000; ++tries) {
    if (const int socket = connect_to(http_port_); socket >= 0) {
      ::close(socket);
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  throw std::runtime_error("weir-collector does not listen: " + this->log());
}

void CollectorRun::send(int signal) { kill(process_, signal); }

int CollectorRun::end(int signal) {
  send(signal);
  const int code = wait_for(process_);
  process_ = 0;
  return code;
}

Said CollectorRun::command(std::vector<std::string> words) const {
  for (const std::string& word : settings()) words.push_back(word);
  return run_program(WEIR_COLLECTOR, words);
}

double CollectorRun::metric(const std::string& name) const {
  const int socket = connect_to(http_port_);
  if (socket < 0) return -1;
  const std::string request = "GET /metrics HTTP/1.1\r\nHost: collector\r\n\r\n";
  (void)!write(socket, request.data(), request.size());
  std::string page;
  char piece[4096];
  for (ssize_t bytes; (bytes = read(socket, piece, sizeof(piece))) > 0;)
    page.append(piece, static_cast<size_t>(bytes));
  ::close(socket);
  const size_t at = page.find("\n" + name + " ");
  return at == std::string::npos ? -1 : strtod(page.c_str() + at + name.size() + 2, nullptr);
}

std::string CollectorRun::log() const { return text_of(folder_ / "log"); }

}  // namespace weir::testing
