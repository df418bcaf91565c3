// Durations, times and foreign text as people read them.
#include "sensor/readable.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Readable, a_duration_has_its_two_largest_units) {
  EXPECT_EQ(duration_text(0), "0 s");
  EXPECT_EQ(duration_text(59), "59 s");
  EXPECT_EQ(duration_text(3600), "1 h");
  EXPECT_EQ(duration_text(5400), "1 h 30 min");
  EXPECT_EQ(duration_text(90061), "1 d 1 h");
  EXPECT_EQ(duration_text(86405), "1 d");
}

TEST(Readable, a_time_is_written_in_utc) {
  EXPECT_EQ(time_text(1772366400'000'000'000), "2026-03-01 12:00:00 UTC");
}

TEST(Readable, foreign_text_cannot_reach_the_terminal) {
  EXPECT_EQ(printable("plain text"), "plain text");
  EXPECT_EQ(printable("\x1b[2J\n\x7f\xc3"), "\\x1b[2J\\x0a\\x7f\\xc3");
  EXPECT_EQ(printable(printable("\x1b")), printable("\x1b"));
  EXPECT_EQ(printable(std::string(300, 'a')), std::string(256, 'a') + "...");
}

}  // namespace
}  // namespace weir
