// The sentences about damaged captures.
#include "sensor/capture_format.h"

namespace weir {

void CaptureFormat::refuse(const std::string& place, const std::string& what) const {
  std::string remedy = "the file is damaged there: copy it again";
  if (records_ > 0)
    remedy += ", or keep what is before with editcap -r IN OUT 1-" + std::to_string(records_);
  throw Error(kExitFailed,
              bytes_.path() + ": " + place + " at byte " + std::to_string(bytes_.offset()) +
                  (bytes_.packed() ? " of the unpacked file " : " ") + what + "; " + remedy);
}

void CaptureFormat::refuse_captured(uint32_t captured_bytes) const {
  refuse_record("claims " + std::to_string(captured_bytes) +
                " captured bytes, above the limit of " + std::to_string(kMaxFrameBytes));
}

}  // namespace weir
