// SPDX-License-Identifier: GPL-2.0-or-later
#include "client/device_tree.h"

#include <stdexcept>

namespace qtest {

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint32_t magic = 0xd00dfeed;
enum : std::uint32_t { begin_node = 1, end_node = 2, property = 3, end = 9 };

std::uint32_t cell(const Bytes& bytes, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i)
        value = value << 8 | bytes.at(at + i);
    return value;
}

std::string text(const Bytes& bytes, std::size_t at) {
    std::string result;
    for (; bytes.at(at) != 0; ++at)
        result += static_cast<char>(bytes[at]);
    return result;
}

std::size_t aligned(std::size_t at) { return (at + 3) / 4 * 4; }

}  // namespace

DeviceTree::DeviceTree(Qtest& qtest, std::uint64_t address) {
    const Bytes head = qtest.memread(address, 8);
    if (cell(head, 0) != magic) throw std::runtime_error("there is no device tree");
    const Bytes tree = qtest.memread(address, cell(head, 4));
    const std::size_t strings = cell(tree, 12);
    // Nodes that are open, the innermost last.
    std::vector<std::size_t> open;
    for (std::size_t at = cell(tree, 8); cell(tree, at) != end;) {
        const std::uint32_t token = cell(tree, at);
        at += 4;
        if (token == begin_node) {
            const std::string name = text(tree, at);
            const std::string above = open.empty() || open.size() == 1 ? "" : nodes_[open.back()].first;
            at = aligned(at + name.size() + 1);
            open.push_back(nodes_.size());
            nodes_.emplace_back(std::string(above).append("/").append(name), Properties{});
        } else if (token == end_node) {
            open.pop_back();
        } else if (token == property) {
            const std::size_t size = cell(tree, at);
            const auto first = tree.begin() + static_cast<std::ptrdiff_t>(at + 8);
            nodes_[open.back()].second[text(tree, strings + cell(tree, at + 4))] =
                Bytes(first, first + static_cast<std::ptrdiff_t>(size));
            at = aligned(at + 8 + size);
        }
    }
}

std::vector<std::string> DeviceTree::below(const std::string& path) const {
    std::vector<std::string> paths;
    for (const auto& [name, properties] : nodes_)
        if (name.starts_with(path + "/")) paths.push_back(name);
    return paths;
}

std::optional<std::vector<std::uint32_t>> DeviceTree::cells(const std::string& path, const std::string& wanted) const {
    for (const auto& [name, properties] : nodes_) {
        const auto found = properties.find(wanted);
        if (name != path || found == properties.end()) continue;
        std::vector<std::uint32_t> values;
        for (std::size_t at = 0; at + 4 <= found->second.size(); at += 4)
            values.push_back(cell(found->second, at));
        return values;
    }
    return std::nullopt;
}

}  // namespace qtest
