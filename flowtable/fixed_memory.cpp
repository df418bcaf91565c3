// Memory that is taken once, at start, and never grows.
#include "flowtable/fixed_memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "flowtable/error.h"

namespace weir {
namespace {

constexpr size_t kHugePageBytes = size_t{2} << 20;

}  // namespace

FixedMemory::FixedMemory(size_t bytes)
    : bytes_((bytes + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes) {
  // One huge page more than asked for, so that the block can start on a huge page's border.
  void* raw = mmap(nullptr, bytes_ + kHugePageBytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (raw == MAP_FAILED)
    throw Error(kExitFailed, "flow table: the kernel refuses " + std::to_string(bytes_) +
                                 " bytes of memory (" + std::strerror(errno) +
                                 "); lower flow_table.connections or flow_table.totals");
  const auto address = reinterpret_cast<uintptr_t>(raw);
  const uintptr_t start = (address + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
  if (start > address) munmap(raw, start - address);
  const size_t rest = address + kHugePageBytes - start;
  data_ = reinterpret_cast<void*>(start);
  if (rest > 0) munmap(static_cast<char*>(data_) + bytes_, rest);
  madvise(data_, bytes_, MADV_HUGEPAGE);
  madvise(data_, bytes_, MADV_DONTDUMP);
  std::memset(data_, 0, bytes_);  // present now, not at the first flood
}

FixedMemory::~FixedMemory() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

FixedMemory::FixedMemory(FixedMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

}  // namespace weir
