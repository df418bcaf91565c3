// Memory that is taken once, at start, and never grows.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir {

/// Zeroed anonymous pages, present from the start (so that the resident size does not move later),
/// on transparent huge pages where the kernel gives them, and left out of core dumps.
class FixedMemory {
 public:
  /// Throws Error (kExitFailed) that names the size when the kernel refuses.
  explicit FixedMemory(size_t bytes);
  ~FixedMemory();
  FixedMemory(FixedMemory&& other) noexcept;
  FixedMemory(const FixedMemory&) = delete;
  FixedMemory& operator=(const FixedMemory&) = delete;
  FixedMemory& operator=(FixedMemory&&) = delete;

  void* data() const noexcept { return data_; }
  size_t bytes() const noexcept { return bytes_; }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace weir
