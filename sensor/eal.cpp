// DPDK's environment: started once a process, from the configuration.
#include "sensor/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_memory.h>
#include <sched.h>
#include <sys/mman.h>

#include "flowtable/error.h"

namespace weir {
namespace {

/// All CPUs this process may run on, as "0,1,5": the EAL would otherwise pin the caller to one.
std::string allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof(set), &set);
  std::string cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) cpus += (cpus.empty() ? "" : ",") + std::to_string(cpu);
  return cpus;
}

/// Packets belong in no core dump.
int leave_out_of_dumps(const rte_memseg_list* list, void*) {
  madvise(list->base_va, list->len, MADV_DONTDUMP);
  return 0;
}

}  // namespace

Eal::Eal(const EalSection& config, const EalDevices& devices) {
  std::vector<std::string> words = {"weir-sensor", "--no-telemetry", "--log-level=*:error",
                                    "--lcores=0@(" + allowed_cpus() + ")"};
  // --in-memory leaves nothing behind in the file system; it excludes --no-huge.
  if (config.huge_pages == "on")
    words.insert(words.end(), {"--in-memory", "-m", std::to_string(config.memory_mib)});
  else
    words.insert(words.end(),
                 {"--no-huge", "--no-shconf", "-m", std::to_string(config.memory_mib)});
  if (devices.pci.empty()) words.emplace_back("--no-pci");
  for (const std::string& address : devices.pci) words.push_back("--allow=" + address);
  for (const std::string& device : devices.virtual_ones) words.push_back("--vdev=" + device);
  words.insert(words.end(), config.extra_arguments.begin(), config.extra_arguments.end());
  std::vector<char*> arguments;
  arguments.reserve(words.size());
  for (std::string& word : words) arguments.push_back(word.data());
  if (rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) < 0)
    throw Error(kExitFailed, std::string("eal: DPDK did not start (") + rte_strerror(rte_errno) +
                                 "); check eal.extra_arguments, eal.memory_mib (now " +
                                 std::to_string(config.memory_mib) +
                                 ") and eal.huge_pages (now \"" + config.huge_pages + "\")");
  rte_memseg_list_walk(leave_out_of_dumps, nullptr);
}

Eal::~Eal() { rte_eal_cleanup(); }

}  // namespace weir
