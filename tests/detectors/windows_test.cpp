// Windows against a twin that keeps every event; what happens when there is no room; time.
#include "detectors/windows.h"

#include <gtest/gtest.h>

#include <random>

#include "flowtable/error.h"
#include "tests/detectors/traffic.h"

namespace weir {
namespace {

constexpr std::array kAllWindows = {Window::kMinute, Window::kTenMinutes, Window::kHour,
                                    Window::kDay,    Window::kWeek,       Window::kMonth};

struct Event {
  uint64_t time_s;
  uint64_t bytes;
};

/// Bytes of the events in (now - window, now].
uint64_t slow_sum(const std::vector<Event>& events, uint64_t now_s, uint64_t window_s) {
  uint64_t bytes = 0;
  for (const Event& event : events)
    if (event.time_s <= now_s && now_s - event.time_s < window_s) bytes += event.bytes;
  return bytes;
}

void expect_never_early_and_late_by_one_bucket(uint64_t fast, const std::vector<Event>& events,
                                               uint64_t now_s, Window window) {
  const WindowShape& shape = shape_of(window);
  EXPECT_LE(fast, slow_sum(events, now_s, shape.window_s)) << shape.window_s;
  EXPECT_GE(fast, slow_sum(events, now_s, shape.window_s - shape.bucket_s)) << shape.window_s;
}

TEST(Windows, agree_with_a_list_of_all_events_to_one_bucket_and_are_never_early) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Windows windows({});
    std::array totals = {GrowingTotal(0, address("10.0.0.1"), address("192.0.2.1")),
                         GrowingTotal(1, address("10.0.0.1"), address("192.0.2.2")),
                         GrowingTotal(2, address("10.0.0.2"), address("192.0.2.1"))};
    std::array<std::vector<Event>, 3> events;
    uint64_t now_s = kTestDaySeconds + random() % 86400;
    // Steps from a second to forty days, small ones most often.
    for (int step = 0; step < 400; ++step) {
      now_s += 1 + random() % (uint64_t{1} << (random() % 22));
      windows.begin_sweep(now_s * kTestSecondNs);
      for (size_t i = 0; i < totals.size(); ++i) {
        if (random() % 2 == 0) continue;
        const uint64_t bytes = 1 + random() % 1'000'000;
        windows.observe(totals[i].push(bytes));
        events[i].push_back({now_s, bytes});
      }
      const SweepView view = windows.end_sweep({}, false);
      for (const uint32_t pair : view.pairs) {
        const uint32_t slot = windows.total_of_pair(pair).slot;
        EXPECT_GE(windows.bound_of_pair(pair),
                  windows.pushed_by_pair(pair, Window::kMonth).high_bytes);
        for (const Window window : kAllWindows)
          expect_never_early_and_late_by_one_bucket(windows.pushed_by_pair(pair, window).high_bytes,
                                                    events[slot], now_s, window);
      }
      for (const Window window : {Window::kHour, Window::kDay}) {
        for (const uint32_t host : view.hosts) {
          std::vector<Event> own = events[2];
          if (windows.key_of_host(host).host == address("10.0.0.1")) {
            own = events[0];
            own.insert(own.end(), events[1].begin(), events[1].end());
          }
          expect_never_early_and_late_by_one_bucket(windows.pushed_by_host(host, window).high_bytes,
                                                    own, now_s, window);
        }
        for (const uint32_t destination : view.destinations) {
          std::vector<Event> own = events[1];
          if (windows.key_of_destination(destination).destination == address("192.0.2.1")) {
            own = events[0];
            own.insert(own.end(), events[2].begin(), events[2].end());
          }
          expect_never_early_and_late_by_one_bucket(
              windows.pushed_to_destination(destination, window).high_bytes, own, now_s, window);
        }
      }
      if (HasFailure()) return;
    }
  }
}

TEST(Windows, a_year_of_silence_costs_one_step_and_leaves_nothing) {
  Windows windows({});
  GrowingTotal total(0, address("10.0.0.1"), address("192.0.2.1"));
  windows.begin_sweep(kTestDaySeconds * kTestSecondNs);
  windows.observe(total.push(1000));
  windows.end_sweep({}, false);
  windows.begin_sweep((kTestDaySeconds + 365 * 86400) * kTestSecondNs);
  windows.observe(total.push(7));
  const SweepView view = windows.end_sweep({}, false);
  ASSERT_EQ(view.pairs.size(), 1u);
  for (const Window window : kAllWindows)
    EXPECT_EQ(windows.pushed_by_pair(view.pairs[0], window).high_bytes, 7u);
}

TEST(Windows, an_earlier_time_counts_as_the_latest) {
  Windows windows({});
  GrowingTotal total(0, address("10.0.0.1"), address("192.0.2.1"));
  windows.begin_sweep((kTestDaySeconds + 100) * kTestSecondNs);
  windows.observe(total.push(1000));
  windows.end_sweep({}, false);
  windows.begin_sweep(kTestDaySeconds * kTestSecondNs);
  windows.observe(total.push(1));
  const SweepView view = windows.end_sweep({}, false);
  EXPECT_EQ(view.now_ns, (kTestDaySeconds + 100) * kTestSecondNs);
  EXPECT_EQ(windows.pushed_by_pair(view.pairs[0], Window::kMinute).high_bytes, 1001u);
}

TEST(Windows, a_slot_used_again_starts_from_zero_and_the_pair_goes_on) {
  Windows windows({});
  GrowingTotal total(0, address("10.0.0.1"), address("192.0.2.1"));
  GrowingTotal again(0, address("10.0.0.1"), address("192.0.2.1"));
  again.copy().id.generation = 2;
  windows.begin_sweep(kTestDaySeconds * kTestSecondNs);
  windows.observe(total.push(1000));
  windows.observe(again.push(500));
  const SweepView view = windows.end_sweep({}, false);
  ASSERT_EQ(view.pairs.size(), 1u);
  EXPECT_EQ(windows.pushed_by_pair(view.pairs[0], Window::kHour).high_bytes, 1500u);
}

TEST(Windows, bytes_that_left_a_total_leave_its_windows) {
  Windows windows({});
  GrowingTotal total(0, address("10.0.0.1"), address("192.0.2.1"));
  windows.begin_sweep(kTestDaySeconds * kTestSecondNs);
  windows.observe(total.push(1000));
  windows.end_sweep({}, false);
  windows.begin_sweep((kTestDaySeconds + 30) * kTestSecondNs);
  total.copy().out.payload_high_bytes = 400;
  total.copy().out.payload_low_bytes = 400;
  windows.observe(total.copy());
  const SweepView view = windows.end_sweep({}, false);
  for (const Window window : kAllWindows)
    EXPECT_EQ(windows.pushed_by_pair(view.pairs[0], window).high_bytes, 400u);
}

TEST(Windows, a_hole_that_is_filled_later_leaves_no_gap) {
  Windows windows({});
  GrowingTotal total(0, address("10.0.0.1"), address("192.0.2.1"));
  windows.begin_sweep(kTestDaySeconds * kTestSecondNs);
  windows.observe(total.push(1000, 300));
  const uint32_t pair = windows.end_sweep({}, false).pairs[0];
  EXPECT_EQ(windows.pushed_by_pair(pair, Window::kMonth).low_bytes, 700u);
  windows.begin_sweep((kTestDaySeconds + 1) * kTestSecondNs);
  total.copy().out.payload_low_bytes = 1000;
  windows.observe(total.copy());
  windows.end_sweep({}, false);
  for (const Window window : kAllWindows)
    EXPECT_EQ(windows.pushed_by_pair(pair, window).low_bytes, 1000u);
}

TEST(Windows, who_sent_no_payload_takes_no_room) {
  Windows windows({});
  windows.begin_sweep(kTestDaySeconds * kTestSecondNs);
  for (uint32_t slot = 0; slot < 10'000; ++slot) {
    GrowingTotal total(slot, address("10.0.0.1"), IpAddress::v4(0xc0000200 + slot));
    windows.observe(total.receive(1000));
  }
  EXPECT_EQ(windows.pairs(), 0u);
}

TEST(Windows, bytes_that_only_the_peer_acknowledged_feed_no_window) {
  Windows windows({});
  GrowingTotal total(0, address("10.0.0.1"), address("192.0.2.1"));
  total.copy().out.payload_high_bytes = 1'000'000;
  windows.begin_sweep(kTestDaySeconds * kTestSecondNs);
  windows.observe(total.copy());
  EXPECT_TRUE(windows.end_sweep({}, false).pairs.empty());
  windows.begin_sweep((kTestDaySeconds + 1) * kTestSecondNs);
  windows.observe(total.push(10));
  const SweepView view = windows.end_sweep({}, false);
  EXPECT_EQ(windows.pushed_by_pair(view.pairs[0], Window::kHour).high_bytes, 10u);
}

TEST(Windows, a_flood_of_small_pairs_displaces_neither_a_large_one_nor_a_new_large_one) {
  WindowsOptions options;
  options.pairs = 64;
  Windows windows(options);
  GrowingTotal before(0, address("10.0.0.1"), address("192.0.2.1"));
  GrowingTotal after(1, address("10.0.0.2"), address("192.0.2.2"));
  uint64_t now_s = kTestDaySeconds;
  windows.begin_sweep(now_s * kTestSecondNs);
  windows.observe(before.push(100'000));
  windows.end_sweep({}, false);
  for (uint32_t slot = 2; slot < 5000; ++slot) {
    windows.begin_sweep(++now_s * kTestSecondNs);
    GrowingTotal small(slot, IpAddress::v4(0x0a010000 + slot), IpAddress::v4(0xc6336400 + slot));
    windows.observe(small.push(1 + slot % 900));
    if (slot % 1000 == 0) windows.observe(after.push(50'000));
    windows.end_sweep({}, false);
  }
  EXPECT_LE(windows.pairs(), 64u);
  EXPECT_GT(windows.counters().evicted_pairs + windows.counters().unkept_bytes, 0u);
  windows.begin_sweep(++now_s * kTestSecondNs);
  windows.observe(before.push(1));
  windows.observe(after.push(1));
  const SweepView view = windows.end_sweep({}, false);
  ASSERT_EQ(view.pairs.size(), 2u);
  EXPECT_EQ(windows.pushed_by_pair(view.pairs[0], Window::kMonth).high_bytes, 100'001u);
  EXPECT_EQ(windows.pushed_by_pair(view.pairs[1], Window::kMonth).high_bytes, 200'001u);
}

TEST(Windows, what_a_pair_without_windows_pushed_is_in_its_hosts_sum_and_counted) {
  WindowsOptions options;
  options.pairs = 1;
  Windows windows(options);
  GrowingTotal large(0, address("10.0.0.1"), address("192.0.2.1"));
  GrowingTotal small(1, address("10.0.0.1"), address("192.0.2.2"));
  windows.begin_sweep(kTestDaySeconds * kTestSecondNs);
  windows.observe(large.push(1000));
  windows.observe(small.push(10));
  const SweepView view = windows.end_sweep({}, false);
  ASSERT_EQ(view.hosts.size(), 1u);
  EXPECT_EQ(windows.pushed_by_host(view.hosts[0], Window::kHour).high_bytes, 1010u);
  EXPECT_EQ(windows.counters().unkept_bytes, 10u);
}

TEST(Windows, idle_pairs_are_let_go_after_a_month) {
  Windows windows({});
  GrowingTotal gone(0, address("10.0.0.1"), address("192.0.2.1"));
  GrowingTotal here(1, address("10.0.0.2"), address("192.0.2.2"));
  for (uint64_t day = 0; day <= 31; ++day) {
    windows.begin_sweep((kTestDaySeconds + day * 86400) * kTestSecondNs);
    if (day == 0) windows.observe(gone.push(5));
    windows.observe(here.push(5));
    windows.end_sweep({}, false);
    EXPECT_EQ(windows.pairs(), day < 30 ? 2u : 1u) << day;
  }
}

TEST(Windows, the_baseline_is_the_mean_of_the_days_before_scaled_to_the_window) {
  Windows windows({});
  GrowingTotal total(0, address("10.0.0.1"), address("192.0.2.1"));
  uint32_t pair = 0;
  for (uint64_t day = 0; day <= 10; ++day) {
    windows.begin_sweep((kTestDaySeconds + day * 86400) * kTestSecondNs);
    windows.observe(total.push(day == 10 ? 1'000'000 : 24'000));
    pair = windows.end_sweep({}, false).pairs[0];
    if (day == 0) {
      EXPECT_EQ(windows.baseline_of_pair(pair, Window::kDay), 0u);
    }
  }
  EXPECT_EQ(windows.covered_days(), 10u);
  EXPECT_EQ(windows.baseline_of_pair(pair, Window::kDay), 24'000u);
  EXPECT_EQ(windows.baseline_of_pair(pair, Window::kHour), 1000u);
  EXPECT_EQ(windows.baseline_of_pair(pair, Window::kWeek), 168'000u);
}

TEST(Windows, members_of_a_hosts_finding_come_largest_first) {
  Windows windows({});
  windows.begin_sweep(kTestDaySeconds * kTestSecondNs);
  for (uint32_t slot = 0; slot < 20; ++slot) {
    GrowingTotal total(slot, address("10.0.0.1"), IpAddress::v4(0xc0000200 + slot));
    windows.observe(total.push(1000 + slot));
  }
  windows.end_sweep({}, false);
  Finding finding;
  finding.subject = Subject::kHost;
  finding.host = address("10.0.0.1");
  finding.window_s = 3600;
  const auto members = windows.largest_members(finding, 10);
  ASSERT_EQ(members.size(), 10u);
  EXPECT_EQ(members[0].pushed.high_bytes, 1019u);
  EXPECT_EQ(members[9].pushed.high_bytes, 1010u);
  EXPECT_EQ(members[0].key.destination, IpAddress::v4(0xc0000213));
}

TEST(Windows, a_scope_that_does_not_exist_is_refused_with_those_that_do) {
  const std::vector<std::string> names = {"outbound", "multicast"};
  try {
    scopes_of(names);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), kExitUsage);
    EXPECT_NE(std::string(error.what()).find("\"multicast\""), std::string::npos);
  }
}

}  // namespace
}  // namespace weir
