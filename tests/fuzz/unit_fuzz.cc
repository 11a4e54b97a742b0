// SPDX-License-Identifier: GPL-2.0-or-later
//
// Fuzz target: a whole unit. The input's bytes are register writes, requests and writes to guest memory, one after the
// other; nothing may stop the unit, and nothing may be written where there is no memory.
//
// Input: 1 byte flavour, then steps of 1 byte kind with what it needs (see `step`).
#include <cstdlib>

#include "fake_ports.h"
#include "input.h"
#include "vtd-nested/device.h"

namespace {

constexpr std::uint64_t kRamBytes = 1 << 20;

void require(bool promise) {
    if (!promise) std::abort();
}

vtd::Capabilities flavour(std::uint64_t choice) {
    vtd::Capabilities asked;
    if ((choice & 1) != 0) asked.smts = 0;
    if ((choice & 2) != 0) asked.qi = 0;
    if ((choice & 4) != 0) asked.nfr = 0;
    if ((choice & 8) != 0) asked.ver = 0x10;
    if ((choice & 16) != 0) asked.nd = 0;
    if ((choice & 32) != 0) asked.esrtps = 0;
    if ((choice & 64) != 0) asked.haw = 39;
    if ((choice & 128) != 0) asked.fsts = 0;
    const auto settled = vtd::settle(asked);
    return settled ? *settled : *vtd::settle({});
}

struct Target {
    explicit Target(std::uint64_t choice)
        : unit(flavour(choice), iommu::Tuning{.iotlb_entries = 64}, ports.references()) {
        const std::array ranges{ram.range()};
        unit.memory().set_ram(ranges);
        unit.set_trace(0x3f);
        ports.on_invalidate = [this](const iommu::InvalidateRequest& request) { answer(request); };
    }
    // A device answers, keeps silent, lies or stammers, as the page that it shall forget says.
    void answer(const iommu::InvalidateRequest& request) {
        const std::uint64_t character = request.range.first.value >> 12 & 3;
        if (character == 1) return;
        const std::uint32_t vector = std::uint32_t{1} << (character == 2 ? 31 - request.itag : request.itag);
        unit.invalidate_completed({.requester = request.requester, .itag_vector = vector, .count = 1});
        if (character == 3) unit.invalidate_completed({.requester = request.requester, .itag_vector = vector});
    }
    test::FakePorts ports;
    test::FakeRam ram{kRamBytes};
    vtd::Unit unit;
};

void write_register(Target& target, fuzz::Input& input) {
    const std::uint64_t offset = input.number(2);
    const unsigned size = (offset & 0x8000) != 0 ? 8 : 4;
    target.unit.write(offset & 0x1fff & ~std::uint64_t{size - 1}, input.number(8), size);
}

void request(Target& target, fuzz::Input& input) {
    const std::uint64_t flags = input.number(1);
    iommu::Request request;
    request.requester = iommu::RequesterId{static_cast<std::uint32_t>(input.number(2))};
    if ((flags & 1) != 0) request.pasid = iommu::Pasid{static_cast<std::uint32_t>(input.number(3) & 0xfffff)};
    request.iova = iommu::Iova{input.number(8)};
    request.access = static_cast<iommu::Access>((flags >> 1 & 3) % 3);
    request.privilege = static_cast<iommu::Privilege>(flags >> 3 & 1);
    request.execute = static_cast<iommu::Execute>(flags >> 4 & 1);
    request.length = static_cast<iommu::Length>(flags >> 5 & 1);
    request.kind = static_cast<iommu::RequestKind>(flags >> 6 & 1);
    if ((flags & 128) != 0) {
        (void)target.unit.interrupt_access(request, 4);
        return;
    }
    const auto reply = target.unit.translate(request);
    if (reply.outcome == iommu::Outcome::Translated) require(reply.translation.page_log2 >= 12);
}

// Puts a word anywhere in RAM: tables, queue entries, whatever they are taken for.
void poke(Target& target, fuzz::Input& input) {
    const std::uint64_t address = input.number(3) % kRamBytes & ~std::uint64_t{7};
    target.ram.poke(address, input.number(8));
}

// A device may be late by then, and DMA ends. From then on some is under way at each wait, or none, in turn.
void let_time_pass(Target& target) {
    target.ports.time_ns += 20'000'000'000;
    target.unit.tick();
    if (!target.ports.drains.empty()) target.unit.drained(target.ports.drains.back());
    target.ports.dma_under_way = !target.ports.dma_under_way;
}

void step(Target& target, fuzz::Input& input) {
    switch (input.number(1) % 8) {
        case 0:
        case 1: return write_register(target, input);
        case 2:
        case 3: return request(target, input);
        case 4:
        case 5: return poke(target, input);
        case 6: return let_time_pass(target);
        default: break;
    }
    // Save, spoil one word, load; now and then a reset.
    auto words = target.unit.save();
    words[input.number(2) % words.size()] ^= input.number(8);
    if (!target.unit.load(words)) target.unit.reset();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input({data, size});
    Target target(input.number(1));
    for (unsigned steps = 0; steps < 4096 && !input.empty(); ++steps)
        step(target, input);
    for (const auto& written : target.ports.dirty)
        require(written.address + written.size <= kRamBytes);
    return 0;
}
