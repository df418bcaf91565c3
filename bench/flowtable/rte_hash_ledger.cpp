// HOT. The rival: DPDK's rte_hash with a record of one cache line a connection.
#include "bench/flowtable/rte_hash_ledger.h"

#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_lcore.h>

#include <stdexcept>
#include <string>

#include "flowtable/shard.h"

namespace weir {

RteHashLedger::RteHashLedger(uint32_t records)
    : records_(records),
      memory_(size_t{records} * sizeof(Record)),
      record_(static_cast<Record*>(memory_.data())) {
  static uint32_t number = 0;  // two hashes must not have one name
  const std::string name = "rival" + std::to_string(number++);
  rte_hash_parameters parameters{};
  parameters.name = name.c_str();
  parameters.entries = records;
  parameters.key_len = sizeof(Key);
  parameters.hash_func = rte_hash_crc;
  parameters.socket_id = static_cast<int>(rte_socket_id());
  parameters.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF;
  hash_ = rte_hash_create(&parameters);
  if (hash_ == nullptr)
    throw std::runtime_error("rte_hash_create: no memory for " + std::to_string(records) +
                             " entries; reserve more huge pages");
}

RteHashLedger::~RteHashLedger() { rte_hash_free(hash_); }

/// Fills the key; returns true if the source is the lower end.
bool RteHashLedger::make_key(const Packet& packet, Key& key) noexcept {
  const bool source_low = packet.source != packet.destination
                              ? packet.source < packet.destination
                              : packet.source_port <= packet.destination_port;
  key.low = source_low ? packet.source : packet.destination;
  key.high = source_low ? packet.destination : packet.source;
  key.low_port = source_low ? packet.source_port : packet.destination_port;
  key.high_port = source_low ? packet.destination_port : packet.source_port;
  key.network = packet.network;
  key.protocol = packet.protocol;
  key.padding = 0;
  return source_low;
}

void RteHashLedger::update(std::span<const Packet> packets) noexcept {
  Key keys[kBurstPackets];
  const void* pointers[kBurstPackets];
  void* found[kBurstPackets];
  uint8_t side[kBurstPackets];
  const auto count = static_cast<uint32_t>(packets.size());
  for (uint32_t i = 0; i < count; ++i) {
    side[i] = make_key(packets[i], keys[i]) ? 0 : 1;
    pointers[i] = &keys[i];
  }
  uint64_t hits = 0;
  rte_hash_lookup_bulk_data(hash_, pointers, count, &hits, found);
  for (uint32_t i = 0; i < count; ++i)
    if ((hits >> i & 1) != 0) __builtin_prefetch(found[i], 1);
  for (uint32_t i = 0; i < count; ++i) {
    if ((hits >> i & 1) == 0) found[i] = open(keys[i]);
    if (found[i] == nullptr) continue;
    const Packet& packet = packets[i];
    auto& record = *static_cast<Record*>(found[i]);
    record.ip_bytes[side[i]] += packet.ip_bytes;
    record.payload_bytes[side[i]] += packet.payload_bytes;
    record.packets[side[i]] += 1;
    record.sequence_end[side[i]] = packet.sequence + packet.payload_bytes;
    record.acknowledged[side[i] ^ 1] = packet.acknowledgement;
    record.last_seen_ns = packet.time_ns;
  }
}

void* RteHashLedger::open(const Key& key) noexcept {
  void* data = nullptr;
  if (rte_hash_lookup_data(hash_, &key, &data) >= 0) return data;  // opened in this burst
  if (used_ == records_) return nullptr;
  if (rte_hash_add_key_data(hash_, &key, &record_[used_]) != 0) return nullptr;
  return &record_[used_++];
}

uint64_t RteHashLedger::ip_bytes() const {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < used_; ++i) sum += record_[i].ip_bytes[0] + record_[i].ip_bytes[1];
  return sum;
}

uint64_t RteHashLedger::payload_bytes() const {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < used_; ++i)
    sum += record_[i].payload_bytes[0] + record_[i].payload_bytes[1];
  return sum;
}

}  // namespace weir
