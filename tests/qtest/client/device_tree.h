// SPDX-License-Identifier: GPL-2.0-or-later
//
// DeviceTree: a flattened device tree, as a machine hands it over. [Devicetree Specification 0.4 s5]
//
// Nodes are looked up by their whole path: "/pcie@10000000/pci@1".
#ifndef QTEST_DEVICE_TREE_H
#define QTEST_DEVICE_TREE_H

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/qtest.h"

namespace qtest {

class DeviceTree {
  public:
    // The one that is in memory there; throws if there is none.
    DeviceTree(Qtest& qtest, std::uint64_t address);

    // Nodes below this one, by their paths, in their order.
    [[nodiscard]] std::vector<std::string> below(const std::string& path) const;
    // The property's bytes as 32-bit cells; nothing if it is not there.
    [[nodiscard]] std::optional<std::vector<std::uint32_t>> cells(const std::string& path,
                                                                  const std::string& property) const;

  private:
    using Properties = std::map<std::string, std::vector<std::uint8_t>>;

    std::vector<std::pair<std::string, Properties>> nodes_;
};

}  // namespace qtest

#endif  // QTEST_DEVICE_TREE_H
