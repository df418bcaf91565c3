// Registers the mbuf field that carries a frame's stamp.
#include "sensor/frame_stamp.h"

#include <rte_errno.h>

#include <string>

#include "flowtable/error.h"

namespace weir {

int frame_stamp_offset() {
  static const rte_mbuf_dynfield field = {"weir_frame_stamp", sizeof(FrameStamp),
                                          alignof(FrameStamp), 0};
  const int offset = rte_mbuf_dynfield_register(&field);
  if (offset < 0)
    throw Error(kExitFailed, std::string("mbuf: no room for the frame stamp (") +
                                 rte_strerror(rte_errno) +
                                 "); another library in this process has taken the dynamic fields");
  return offset;
}

}  // namespace weir
