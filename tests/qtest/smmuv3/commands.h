// SPDX-License-Identifier: GPL-2.0-or-later
//
// Commands of the command queue, by the manual's names.
#ifndef QTEST_SMMUV3_COMMANDS_H
#define QTEST_SMMUV3_COMMANDS_H

#include <cstdint>

#include "smmuv3/words.h"

namespace smmu_driver {

using Command = Structure<2>;

namespace command {

// What most of them say: opcode, and StreamID or VMID and ASID.
[[nodiscard]] inline Command of_stream(unsigned opcode, std::uint32_t stream) {
    return Command{}.set(7, 0, opcode).set(63, 32, stream);
}
[[nodiscard]] inline Command of_context(unsigned opcode, std::uint64_t vmid, std::uint64_t asid) {
    return Command{}.set(7, 0, opcode).set(47, 32, vmid).set(63, 48, asid);
}
[[nodiscard]] inline Command at(Command command, std::uint64_t address) { return command.set(127, 76, address >> 12); }
// Leaf: keep what was read above the last level.
[[nodiscard]] inline Command leaf(Command command) { return command.set(64, 64, 1); }

[[nodiscard]] inline Command cfgi_ste(std::uint32_t stream) { return leaf(of_stream(0x03, stream)); }
// 2^(range + 1) streams around this one.
[[nodiscard]] inline Command cfgi_ste_range(std::uint32_t stream, unsigned range) {
    return of_stream(0x04, stream).set(68, 64, range);
}
[[nodiscard]] inline Command cfgi_all() { return cfgi_ste_range(0, 31); }
[[nodiscard]] inline Command cfgi_cd(std::uint32_t stream, std::uint32_t substream = 0) {
    return leaf(of_stream(0x05, stream).set(31, 12, substream));
}
[[nodiscard]] inline Command cfgi_cd_all(std::uint32_t stream) { return of_stream(0x06, stream); }
[[nodiscard]] inline Command tlbi_nh_all(std::uint64_t vmid) { return of_context(0x10, vmid, 0); }
[[nodiscard]] inline Command tlbi_nh_asid(std::uint64_t vmid, std::uint64_t asid) {
    return of_context(0x11, vmid, asid);
}
[[nodiscard]] inline Command tlbi_nh_va(std::uint64_t vmid, std::uint64_t asid, std::uint64_t address) {
    return at(of_context(0x12, vmid, asid), address);
}
[[nodiscard]] inline Command tlbi_nh_vaa(std::uint64_t vmid, std::uint64_t address) {
    return at(of_context(0x13, vmid, 0), address);
}
[[nodiscard]] inline Command tlbi_el2_all() { return of_context(0x20, 0, 0); }
[[nodiscard]] inline Command tlbi_el2_asid(std::uint64_t asid) { return of_context(0x21, 0, asid); }
[[nodiscard]] inline Command tlbi_el2_va(std::uint64_t asid, std::uint64_t address) {
    return at(of_context(0x22, 0, asid), address);
}
[[nodiscard]] inline Command tlbi_el2_vaa(std::uint64_t address) { return at(of_context(0x23, 0, 0), address); }
[[nodiscard]] inline Command tlbi_s12_vmall(std::uint64_t vmid) { return of_context(0x28, vmid, 0); }
[[nodiscard]] inline Command tlbi_s2_ipa(std::uint64_t vmid, std::uint64_t address) {
    return at(of_context(0x2a, vmid, 0), address);
}
[[nodiscard]] inline Command tlbi_nsnh_all() { return of_context(0x30, 0, 0); }
[[nodiscard]] inline Command cmd_sync() { return Command{}.set(7, 0, 0x46); }
// 2^size pages around `address` in the device's own cache; size 52 is all.
[[nodiscard]] inline Command atc_inv(std::uint32_t stream, std::uint64_t address, unsigned size = 0) {
    return at(of_stream(0x40, stream), address).set(69, 64, size);
}
// Of the group's response: 0 Response Failure, 1 Invalid Request, 2 Success.
enum class Resp : std::uint8_t { Failure = 0, Invalid = 1, Success = 2 };
[[nodiscard]] inline Command pri_resp(std::uint32_t stream, unsigned index, Resp resp) {
    return of_stream(0x41, stream).set(72, 64, index).set(77, 76, static_cast<std::uint64_t>(resp));
}
[[nodiscard]] inline Command with_substream(Command command, std::uint32_t substream) {
    return command.set(11, 11, 1).set(31, 12, substream);
}
// Of a stalled transaction: retried (Ac), else aborted (Ab) or as if it had nothing to touch.
enum class Resume : std::uint8_t { RazWi = 0, Retry = 1, Abort = 2 };
[[nodiscard]] inline Command resume(std::uint32_t stream, unsigned stag, Resume action) {
    return of_stream(0x44, stream).set(13, 12, static_cast<std::uint64_t>(action)).set(79, 64, stag);
}
[[nodiscard]] inline Command stall_term(std::uint32_t stream) { return of_stream(0x45, stream); }
// CS: an interrupt, by this message and by wire.
[[nodiscard]] inline Command sync_with_message(std::uint64_t address, std::uint32_t data) {
    return cmd_sync().set(13, 12, 1).set(23, 22, 3).set(27, 24, 0xf).set(63, 32, data).set(115, 66, address >> 2);
}

}  // namespace command
}  // namespace smmu_driver

#endif  // QTEST_SMMUV3_COMMANDS_H
