// Writes capture files for tests: pcap and pcapng in any byte order and resolution, gzip, snoop.
#pragma once

#include <unistd.h>
#include <zlib.h>

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace weir::testing {

using Endian = std::endian;

/// Integers of a chosen byte order, one after another.
class ByteWriter {
 public:
  explicit ByteWriter(Endian order) : order_(order) {}

  ByteWriter& u8(uint64_t value) { return put(value, 1); }
  ByteWriter& u16(uint64_t value) { return put(value, 2); }
  ByteWriter& u32(uint64_t value) { return put(value, 4); }
  ByteWriter& u64(uint64_t value) { return put(value, 8); }
  ByteWriter& text(std::string_view value) {
    bytes_ += value;
    return *this;
  }
  ByteWriter& pad_to_4() {
    while (bytes_.size() % 4 != 0) bytes_ += '\0';
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  ByteWriter& put(uint64_t value, int size_bytes) {
    for (int i = 0; i < size_bytes; ++i) {
      const int position = order_ == Endian::little ? i : size_bytes - 1 - i;
      bytes_ += static_cast<char>(value >> (8 * position));
    }
    return *this;
  }

  Endian order_;
  std::string bytes_;
};

inline constexpr uint32_t kPcapMicroseconds = 0xa1b2c3d4, kPcapNanoseconds = 0xa1b23c4d,
                          kPcapModified = 0xa1b2cd34;

/// PcapBuilder().record(1, 500, "frame").bytes()
class PcapBuilder {
 public:
  explicit PcapBuilder(Endian order = Endian::little, uint32_t magic = kPcapMicroseconds,
                       uint32_t link_field = 1, uint16_t minor_version = 4)
      : writer_(order), modified_(magic == kPcapModified) {
    writer_.u32(magic).u16(2).u16(minor_version).u64(0).u32(262144).u32(link_field);
  }

  PcapBuilder& record(uint32_t seconds, uint32_t fraction, std::string_view frame,
                      uint32_t original_bytes) {
    header(seconds, fraction, static_cast<uint32_t>(frame.size()), original_bytes);
    writer_.text(frame);
    return *this;
  }
  PcapBuilder& record(uint32_t seconds, uint32_t fraction, std::string_view frame) {
    return record(seconds, fraction, frame, static_cast<uint32_t>(frame.size()));
  }
  /// A record header alone, for files that lie.
  PcapBuilder& header(uint32_t seconds, uint32_t fraction, uint32_t captured_bytes,
                      uint32_t original_bytes) {
    writer_.u32(seconds).u32(fraction).u32(captured_bytes).u32(original_bytes);
    if (modified_) writer_.u32(7).u16(0x0008).u16(0);
    return *this;
  }
  const std::string& bytes() const { return writer_.bytes(); }

 private:
  ByteWriter writer_;
  bool modified_;
};

/// PcapngBuilder().section().interface(1).packet(0, 1'000'000, "frame").bytes(). The byte order
/// may change from section to section.
class PcapngBuilder {
 public:
  PcapngBuilder& section(Endian order = Endian::little, uint16_t major_version = 1,
                         uint16_t minor_version = 0) {
    order_ = order;
    return block(
        0x0a0d0d0a,
        writer().u32(0x1a2b3c4d).u16(major_version).u16(minor_version).u64(UINT64_MAX).bytes());
  }
  PcapngBuilder& interface(uint16_t link_number, std::string_view options = {},
                           uint32_t snap_bytes = 0) {
    return block(1, writer().u16(link_number).u16(0).u32(snap_bytes).text(options).bytes());
  }
  /// Bytes of one option, in the order of the current section.
  std::string option(uint16_t code, std::string_view value) const {
    return writer()
        .u16(code)
        .u16(static_cast<uint16_t>(value.size()))
        .text(value)
        .pad_to_4()
        .bytes();
  }
  PcapngBuilder& packet(uint32_t interface, uint64_t stamp, std::string_view frame,
                        uint32_t original_bytes, std::string_view options = {}) {
    return block(6, writer()
                        .u32(interface)
                        .u32(stamp >> 32)
                        .u32(stamp & UINT32_MAX)
                        .u32(frame.size())
                        .u32(original_bytes)
                        .text(frame)
                        .pad_to_4()
                        .text(options)
                        .bytes());
  }
  PcapngBuilder& packet(uint32_t interface, uint64_t stamp, std::string_view frame) {
    return packet(interface, stamp, frame, static_cast<uint32_t>(frame.size()));
  }
  PcapngBuilder& obsolete_packet(uint16_t interface, uint64_t stamp, std::string_view frame) {
    return block(2, writer()
                        .u16(interface)
                        .u16(3)
                        .u32(stamp >> 32)
                        .u32(stamp & UINT32_MAX)
                        .u32(frame.size())
                        .u32(frame.size())
                        .text(frame)
                        .pad_to_4()
                        .bytes());
  }
  PcapngBuilder& simple_packet(uint32_t original_bytes, std::string_view frame) {
    return block(3, writer().u32(original_bytes).text(frame).pad_to_4().bytes());
  }
  /// Any block; the body must be a multiple of 4.
  PcapngBuilder& block(uint32_t type, std::string_view body) {
    const size_t block_bytes = body.size() + 12;
    return raw(writer().u32(type).u32(block_bytes).text(body).u32(block_bytes).bytes());
  }
  PcapngBuilder& raw(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  ByteWriter writer() const { return ByteWriter(order_); }
  const std::string& bytes() const { return bytes_; }

 private:
  Endian order_ = Endian::little;
  std::string bytes_;
};

/// One gzip member.
inline std::string gzip(std::string_view bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  std::string input(bytes);
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const int result = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) throw std::runtime_error("deflate did not end");
  return packed;
}

/// A file that is gone when the test is.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view bytes) {
    const char* folder = getenv("TMPDIR");
    path_ = std::string(folder ? folder : "/tmp") + "/weir-test-XXXXXX";
    const int fd = mkstemp(path_.data());
    if (fd < 0) throw std::runtime_error("mkstemp failed for " + path_);
    while (!bytes.empty()) {
      const ssize_t written = write(fd, bytes.data(), bytes.size());
      if (written <= 0) throw std::runtime_error("cannot write " + path_);
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    close(fd);
  }
  ~TemporaryFile() { unlink(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace weir::testing
