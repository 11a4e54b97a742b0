// SPDX-License-Identifier: GPL-2.0-or-later
//
// Machine: one with an ats-endpoint behind a root port, or integrated; of the kind that QTEST_MACHINE names.
#ifndef QTEST_ENDPOINT_MACHINE_H
#define QTEST_ENDPOINT_MACHINE_H

#include <cstdlib>
#include <string>

#include "ats-endpoint-regs.h"
#include "client/eventually.h"
#include "client/pci_bus.h"
#include "client/qemu_process.h"

namespace endpoint_driver {

inline constexpr qtest::PciId id{AE_VENDOR, AE_DEVICE};
inline constexpr qtest::PciId root_port_id{0x1b36, 0x000c};

[[nodiscard]] inline bool is_virt() {
    const char* machine = std::getenv("QTEST_MACHINE");
    return machine != nullptr && std::string(machine) == "virt";
}
[[nodiscard]] inline std::string machine_option() { return is_virt() ? "virt,highmem=off" : "q35"; }
[[nodiscard]] inline std::uint64_t ram_base() { return is_virt() ? 0x40000000 : 0; }
[[nodiscard]] inline qtest::PciBus buses(qtest::Qtest& qtest) {
    if (!is_virt()) return qtest::PciBus(qtest);
    return {qtest, {.configuration = 0x3f000000, .window = 0x10000000, .window_size = 0x20000000}};
}

struct Options {
    std::string properties;
    bool integrated = false;
    std::vector<std::string> arguments;
    std::string type = "ats-endpoint";
    qtest::PciId pci_id = id;
};
[[nodiscard]] inline qtest::QemuOptions with_endpoint(const Options& options) {
    std::vector<std::string> arguments = options.arguments;
    if (options.integrated) {
        arguments.insert(arguments.end(), {"-device", options.type + ",id=endpoint,rciep=on" + options.properties});
    } else {
        arguments.insert(arguments.end(), {"-device", "pcie-root-port,id=rp0,chassis=1", "-device",
                                           options.type + ",id=endpoint,bus=rp0" + options.properties});
    }
    return {.arguments = arguments, .machine = machine_option()};
}

class Machine {
  public:
    static constexpr const char* path = "/machine/peripheral/endpoint";

    explicit Machine(const Options& options = {})
        : qemu(with_endpoint(options)),
          ram(qemu.qtest(), ram_base()),
          pci(buses(qemu.qtest())),
          function(found(options)),
          bar(function.map_bar(0)) {
        function.enable_bus_mastering();
    }

    qtest::QemuProcess qemu;
    qtest::GuestRam ram;
    qtest::PciBus pci;
    qtest::PciFunction function;
    std::uint64_t bar;

    [[nodiscard]] std::uint32_t get(std::uint64_t offset) { return qemu.qtest().readl(bar + offset); }
    [[nodiscard]] std::uint64_t get64(std::uint64_t offset) { return qemu.qtest().readq(bar + offset); }
    void set(std::uint64_t offset, std::uint32_t value) { qemu.qtest().writel(bar + offset, value); }
    void set64(std::uint64_t offset, std::uint64_t value) { qemu.qtest().writeq(bar + offset, value); }

    struct Order {
        std::uint32_t operation = 0;
        std::uint64_t source = 0;
        std::uint64_t destination = 0;
        std::uint64_t length = 0;
        std::uint64_t operand = 0;
    };
    void order(const Order& what, unsigned n = 0) {
        set(AE_CHANNEL(n) + AE_OPERATION, what.operation);
        set64(AE_CHANNEL(n) + AE_SOURCE_64, what.source);
        set64(AE_CHANNEL(n) + AE_DESTINATION_64, what.destination);
        set64(AE_CHANNEL(n) + AE_LENGTH_64, what.length);
        set64(AE_CHANNEL(n) + AE_OPERAND_64, what.operand);
        set(AE_CHANNEL(n) + AE_DOORBELL, AE_DOORBELL_START);
    }
    // RESULT.CODE when it is over.
    [[nodiscard]] std::uint32_t carry_out(const Order& what, unsigned n = 0) {
        order(what, n);
        const bool over = qtest::eventually([&] { return (get(AE_CHANNEL(n) + AE_STATUS) & AE_STATUS_BUSY) == 0; });
        if (!over) throw qtest::ProcessError("the endpoint's operation does not end");
        return get(AE_CHANNEL(n) + AE_RESULT) & AE_RESULT_CODE;
    }

  private:
    [[nodiscard]] qtest::PciFunction found(const Options& options) {
        if (options.integrated) return pci.find(options.pci_id);
        pci.open_bridge(pci.find(root_port_id), {1, 1});
        return pci.find(options.pci_id, 1);
    }
};

}  // namespace endpoint_driver

#endif  // QTEST_ENDPOINT_MACHINE_H
