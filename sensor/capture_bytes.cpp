// Buffered read(2) and zlib's inflate behind one cursor.
#include "sensor/capture_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "flowtable/error.h"

namespace weir {
namespace {

constexpr size_t kChunkBytes =
    size_t{256} * 1024;  // per read(2): stays in the L2 cache until it is parsed
constexpr size_t kBufferBytes = size_t{1024} * 1024;
constexpr size_t kPackedBytes = kChunkBytes + 1;  // holds what recognising gzip has read
static_assert(kBufferBytes >= CaptureBytes::kMaxPeekBytes + kChunkBytes);

std::string reason(int error_number) { return std::generic_category().message(error_number); }

}  // namespace

// State of a gzip file (RFC 1952): members one after another, then perhaps zero padding.
struct CaptureBytes::Unpacker {
  z_stream stream{};
  bool in_member = true;
  uint8_t packed[kPackedBytes];

  Unpacker() {
    constexpr int kGzipOnly = 15 + 16;  // window bits as zlib.h documents them
    if (inflateInit2(&stream, kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  ~Unpacker() { inflateEnd(&stream); }
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;
};

CaptureBytes::CaptureBytes(const std::string& path) : path_(path) {
  fd_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0) {
    const int error_number = errno;
    throw Error(kExitFailed, path + ": cannot be opened: " + reason(error_number) +
                                 "; check the path and that this user may read it");
  }
  struct stat status {};
  if (fstat(fd_, &status) == 0) {
    if (S_ISDIR(status.st_mode)) {
      close(fd_);
      throw Error(kExitFailed, path + ": is a directory; name the capture files in it");
    }
    if (S_ISREG(status.st_mode)) file_bytes_ = static_cast<uint64_t>(status.st_size);
  }
  posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
  try {
    buffer_ = std::make_unique_for_overwrite<uint8_t[]>(kBufferBytes);
    const auto start = peek(2);
    if (start.size() == 2 && start[0] == 0x1f && start[1] == 0x8b) {
      auto unpacker = std::make_unique<Unpacker>();
      memcpy(unpacker->packed, buffer_.get(), end_);
      unpacker->stream.next_in = unpacker->packed;
      unpacker->stream.avail_in = static_cast<uInt>(end_);
      begin_ = end_ = 0;
      finished_ = false;
      unpacker_ = std::move(unpacker);
    }
  } catch (...) {
    close(fd_);
    throw;
  }
}

CaptureBytes::~CaptureBytes() { close(fd_); }

bool CaptureBytes::skip(uint64_t bytes) {
  while (bytes > 0) {
    const size_t step = peek(std::min<uint64_t>(bytes, kMaxPeekBytes)).size();
    if (step == 0) return false;
    consume(step);
    bytes -= step;
  }
  return true;
}

std::span<const uint8_t> CaptureBytes::refill(size_t wanted) {
  if (wanted > kMaxPeekBytes) throw std::logic_error("CaptureBytes: peek above its limit");
  const size_t left = end_ - begin_;
  memmove(buffer_.get(), buffer_.get() + begin_, left);
  base_offset_ += begin_;
  begin_ = 0;
  end_ = left;
  while (end_ < wanted && !finished_)
    end_ += fill(buffer_.get() + end_, std::min(kChunkBytes, kBufferBytes - end_));
  if (end_ < wanted && !damage_.empty()) throw Error(kExitFailed, damage_);
  return {buffer_.get(), std::min(wanted, end_)};
}

// Appends what can be had without much ado; sets finished_ at the end.
size_t CaptureBytes::fill(uint8_t* room, size_t room_bytes) {
  if (unpacker_) return unpack(room, room_bytes);
  const size_t bytes = read_file(room, room_bytes);
  if (bytes == 0) finished_ = true;
  return bytes;
}

size_t CaptureBytes::unpack(uint8_t* room, size_t room_bytes) {
  z_stream& stream = unpacker_->stream;
  if (stream.avail_in == 0) {
    stream.next_in = unpacker_->packed;
    stream.avail_in = static_cast<uInt>(read_file(unpacker_->packed, kPackedBytes));
    if (stream.avail_in == 0) {
      finished_ = true;
      cut_ = unpacker_->in_member;
      return 0;
    }
  }
  if (!unpacker_->in_member && !begin_member()) return 0;
  stream.next_out = room;
  stream.avail_out = static_cast<uInt>(room_bytes);
  const int result = inflate(&stream, Z_NO_FLUSH);
  if (result == Z_STREAM_END) {
    unpacker_->in_member = false;
  } else if (result == Z_MEM_ERROR) {
    throw std::bad_alloc();
  } else if (result != Z_OK && result != Z_BUF_ERROR) {
    finished_ = true;
    damage_ = path_ + ": the gzip data is damaged before byte " +
              std::to_string(bytes_read_ - stream.avail_in) + " (" +
              (stream.msg ? stream.msg : "dictionary wanted") +
              "); copy the file again, or save what can be had with gzip -dc";
  }
  return room_bytes - stream.avail_out;
}

// Between members: starts the next one; false while there is padding or when it is no member.
bool CaptureBytes::begin_member() {
  z_stream& stream = unpacker_->stream;
  while (stream.avail_in > 0 && *stream.next_in == 0) {
    ++stream.next_in;
    --stream.avail_in;
  }
  if (stream.avail_in == 0) return false;
  if (*stream.next_in != 0x1f) {
    finished_ = true;
    damage_ = path_ + ": byte " + std::to_string(bytes_read_ - stream.avail_in) +
              ", after the end of a gzip member, begins no other; cut the file there, or unpack "
              "it with gzip -dc";
    return false;
  }
  inflateReset(&stream);
  unpacker_->in_member = true;
  return true;
}

size_t CaptureBytes::read_file(uint8_t* room, size_t room_bytes) {
  for (;;) {
    const ssize_t bytes = read(fd_, room, room_bytes);
    if (bytes >= 0) {
      bytes_read_ += static_cast<uint64_t>(bytes);
      return static_cast<size_t>(bytes);
    }
    const int error_number = errno;
    if (error_number == EINTR) continue;
    throw Error(kExitFailed, path_ + ": cannot be read at byte " + std::to_string(bytes_read_) +
                                 ": " + reason(error_number) + "; check the disk or copy the file");
  }
}

}  // namespace weir
