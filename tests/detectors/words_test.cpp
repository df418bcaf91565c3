// How numbers and times read.
#include "detectors/words.h"

#include <gtest/gtest.h>

#include "tests/detectors/traffic.h"

namespace weir {
namespace {

TEST(Words, bytes_read_in_three_figures_and_exactly) {
  EXPECT_EQ(byte_words(0), "0 bytes");
  EXPECT_EQ(byte_words(1), "1 byte");
  EXPECT_EQ(byte_words(999), "999 bytes");
  EXPECT_EQ(byte_words(1000), "1 kB (1,000 bytes)");
  EXPECT_EQ(byte_words(100'000), "100 kB (100,000 bytes)");
  EXPECT_EQ(byte_words(999'600), "1 MB (999,600 bytes)");
  EXPECT_EQ(byte_words(1'240'984), "1.24 MB (1,240,984 bytes)");
  EXPECT_EQ(byte_words(12'345'678'901), "12.3 GB (12,345,678,901 bytes)");
  EXPECT_EQ(byte_words(UINT64_MAX), "18.4 EB (18,446,744,073,709,551,615 bytes)");
}

TEST(Words, times_read_in_the_unit_that_fits) {
  EXPECT_EQ(window_words(45), "45 seconds");
  EXPECT_EQ(window_words(60), "1 minute");
  EXPECT_EQ(window_words(600), "10 minutes");
  EXPECT_EQ(window_words(3600), "1 hour");
  EXPECT_EQ(window_words(86400), "24 hours");
  EXPECT_EQ(window_words(7 * 86400), "7 days");
}

TEST(Words, the_counterfactual_names_option_and_value) {
  DetectorRun run("volume.burst", {{"threshold_1h_bytes", int64_t{100'000}}});
  GrowingTotal total(0, address("10.0.0.5"), address("192.0.2.1"));
  const auto findings = run.sweep(kTestDaySeconds, {total.push(1'240'984)});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(counterfactual_words(*run.detector, findings[0]),
            "volume.burst would be silent with detectors.volume.burst.threshold_1h_bytes=1240985; "
            "one below, it fires.");
}

}  // namespace
}  // namespace weir
