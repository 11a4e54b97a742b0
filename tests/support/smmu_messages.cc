// SPDX-License-Identifier: GPL-2.0-or-later
//
// Requests and commands of smmu_guest.h.
#include "smmu_guest.h"

namespace test::smmu {

namespace {

iommu::Request request(iommu::Access access, std::uint64_t iova) {
    iommu::Request result;
    result.requester = iommu::RequesterId{kStream};
    result.iova = iommu::Iova{iova};
    result.access = access;
    return result;
}

std::uint64_t at_32(std::uint64_t value) { return value << 32; }

}  // namespace

iommu::Request read_at(std::uint64_t iova) { return request(iommu::Access::Read, iova); }
iommu::Request write_at(std::uint64_t iova) { return request(iommu::Access::Write, iova); }
iommu::Request atomic_at(std::uint64_t iova) { return request(iommu::Access::Atomic, iova); }
iommu::Request with_substream(iommu::Request request, std::uint32_t substream) {
    request.pasid = iommu::Pasid{substream};
    return request;
}
iommu::Request from(std::uint32_t stream, iommu::Request request) {
    request.requester = iommu::RequesterId{stream};
    return request;
}
iommu::Request privileged(iommu::Request request) {
    request.privilege = iommu::Privilege::Supervisor;
    return request;
}
iommu::Request executing(iommu::Request request) {
    request.execute = iommu::Execute::Yes;
    return request;
}
iommu::Request debugging(iommu::Request request) {
    request.kind = iommu::RequestKind::Debug;
    return request;
}

iommu::Request translated(iommu::Request request) {
    request.kind = iommu::RequestKind::Translated;
    return request;
}

Command cfgi_ste(std::uint32_t stream) { return {0x03 | at_32(stream), 1}; }
Command cfgi_all() { return {0x04, 31}; }
Command cfgi_cd(std::uint32_t stream, std::uint32_t substream) {
    return {0x05 | std::uint64_t{substream} << 12 | at_32(stream), 1};
}
Command cfgi_cd_all(std::uint32_t stream) { return {0x06 | at_32(stream), 0}; }
Command tlbi_nh_all(std::uint64_t vmid) { return {0x10 | at_32(vmid), 0}; }
Command tlbi_nh_asid(std::uint64_t vmid, std::uint64_t asid) { return {0x11 | at_32(vmid) | asid << 48, 0}; }
Command tlbi_nh_va(std::uint64_t vmid, std::uint64_t asid, std::uint64_t address, bool leaf) {
    return {0x12 | at_32(vmid) | asid << 48, (address & ~0xfffull) | (leaf ? 1 : 0)};
}
Command tlbi_nh_vaa(std::uint64_t vmid, std::uint64_t address) {
    return {0x13 | at_32(vmid), (address & ~0xfffull) | 1};
}
Command tlbi_el2_all() { return {0x20, 0}; }
Command tlbi_el2_va(std::uint64_t asid, std::uint64_t address) {
    return {0x22 | asid << 48, (address & ~0xfffull) | 1};
}
Command tlbi_s12_vmall(std::uint64_t vmid) { return {0x28 | at_32(vmid), 0}; }
Command tlbi_s2_ipa(std::uint64_t vmid, std::uint64_t ipa) { return {0x2a | at_32(vmid), (ipa & ~0xfffull) | 1}; }
Command tlbi_nsnh_all() { return {0x30, 0}; }
Command atc_inv(std::uint32_t stream, unsigned size, std::uint64_t address) {
    return {0x40 | at_32(stream), (address & ~0xfffull) | size};
}
Command pri_resp(std::uint32_t stream, unsigned index, unsigned resp) {
    return {0x41 | at_32(stream), index | std::uint64_t{resp} << 12};
}
Command with_substream(Command command, std::uint32_t substream, bool global) {
    command[0] |= 1u << 11 | std::uint64_t{substream} << 12 | (global ? 1u << 9 : 0);
    return command;
}
Command resume(std::uint32_t stream, std::uint16_t stag, bool ac, bool ab) {
    return {0x44 | (ac ? 1u << 12 : 0) | (ab ? 1u << 13 : 0) | at_32(stream), stag};
}
Command stall_term(std::uint32_t stream) { return {0x45 | at_32(stream), 0}; }
Command cmd_sync(unsigned cs, std::uint64_t msi_address, std::uint32_t msi_data) {
    return {0x46 | std::uint64_t{cs} << 12 | at_32(msi_data), msi_address & ~3ull};
}

}  // namespace test::smmu
