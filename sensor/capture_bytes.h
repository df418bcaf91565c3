// The bytes of a capture file, unpacked if it is gzip, through one buffer of fixed size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace weir {

/// A forward-only cursor over a file. Plain and gzip files look the same to its user. Memory is
/// fixed at construction.
class CaptureBytes {
 public:
  /// Most that one peek() may want.
  static constexpr size_t kMaxPeekBytes = size_t{512} * 1024;

  /// Opens the file; throws Error (kExitFailed) when it cannot be read.
  explicit CaptureBytes(const std::string& path);
  ~CaptureBytes();
  CaptureBytes(const CaptureBytes&) = delete;
  CaptureBytes& operator=(const CaptureBytes&) = delete;

  /// `wanted` bytes from the cursor on, fewer if the file ends before them. Valid until the next
  /// peek or skip. Throws Error on a read error and on damaged gzip data, once what is before the
  /// damage has been handed out.
  std::span<const uint8_t> peek(size_t wanted) {
    if (end_ - begin_ >= wanted) [[likely]]
      return {buffer_.get() + begin_, wanted};
    return refill(wanted);
  }

  /// Moves the cursor over bytes that the last peek returned.
  void consume(size_t bytes) { begin_ += bytes; }

  /// Moves the cursor over any number of bytes; false if the file ends before.
  bool skip(uint64_t bytes);

  /// True once the end was met inside a gzip stream.
  bool cut() const { return cut_; }

  /// Of the cursor, in unpacked bytes.
  uint64_t offset() const { return base_offset_ + begin_; }
  const std::string& path() const { return path_; }
  bool packed() const { return unpacker_ != nullptr; }
  uint64_t bytes_read() const { return bytes_read_; }  // of the file itself
  uint64_t file_bytes() const { return file_bytes_; }  // 0 if it is no regular file

 private:
  struct Unpacker;

  std::span<const uint8_t> refill(size_t wanted);
  size_t fill(uint8_t* room, size_t room_bytes);
  size_t unpack(uint8_t* room, size_t room_bytes);
  bool begin_member();
  size_t read_file(uint8_t* room, size_t room_bytes);

  std::string path_;
  int fd_ = -1;
  std::unique_ptr<uint8_t[]> buffer_;
  size_t begin_ = 0;  // cursor in the buffer
  size_t end_ = 0;
  uint64_t base_offset_ = 0;  // of the buffer's first byte
  bool finished_ = false;
  bool cut_ = false;
  std::string damage_;  // of the gzip data, told when the bytes before it are used up
  uint64_t bytes_read_ = 0;
  uint64_t file_bytes_ = 0;
  std::unique_ptr<Unpacker> unpacker_;
};

}  // namespace weir
