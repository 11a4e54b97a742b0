// SPDX-License-Identifier: GPL-2.0-or-later
//
// Fuzz target: words as descriptors, register commands and capabilities. Nothing may stop us, and what is decoded keeps
// the promises that the caches rely on.
//
// Input: 1 byte mode, one byte for each capability, then descriptors of 32 bytes.
#include <cstdlib>
#include <cstring>

#include "input.h"
#include "vtd-nested/commands.h"

namespace {

void require(bool promise) {
    if (!promise) std::abort();
}

void check_plan(const vtd::Invalidation& plan, const vtd::Capabilities& capabilities) {
    using Scope = iommu::TlbDrop::Scope;
    require((plan.configs.ignored_bits & ~7u) == 0);
    require(plan.configs.domain.value < 1u << capabilities.domain_bits());
    require(plan.tlb.domain.value < 1u << capabilities.domain_bits());
    if (plan.tlb.scope == Scope::SecondRange || plan.tlb.scope == Scope::FirstRange) {
        require(plan.tlb.range.first <= plan.tlb.range.last);
        require((plan.tlb.range.first.value & 0xfff) == 0);
    }
    if (plan.tlb.scope != Scope::None) require(plan.unmap.has_value());
}

void check_plan(const vtd::DeviceInvalidation& plan, const vtd::Capabilities& capabilities) {
    require(capabilities.dt != 0);
    require(plan.limit >= 1 && plan.limit <= iommu::InvalidateTracker::kTags);
    require(plan.request.requester.value <= 0xffff && plan.function.value <= 0xffff);
    // A naturally aligned power of two, at least a page.
    const std::uint64_t mask = plan.request.range.last.value - plan.request.range.first.value;
    require(mask >= 0xfff && (mask & (mask + 1)) == 0 && (plan.request.range.first.value & mask) == 0);
    require(!plan.request.global || plan.request.pasid);
}

// All fields from bytes; what cannot be falls back to the defaults.
vtd::Capabilities capabilities_from(fuzz::Input& input) {
    std::uint8_t bytes[sizeof(vtd::Capabilities)];
    for (std::uint8_t& byte : bytes)
        byte = static_cast<std::uint8_t>(input.number(1));
    vtd::Capabilities asked;
    std::memcpy(&asked, bytes, sizeof asked);
    const auto settled = vtd::settle(asked);
    if (!settled) require(!settled.error().empty());
    return settled ? *settled : *vtd::settle({});
}

void check_registers(const vtd::Words<4>& words, const vtd::Capabilities& capabilities) {
    const vtd::Value<vtd::IOTLB_REG> iotlb{words[0]};
    const auto command = vtd::plan(iotlb, vtd::Value<vtd::IVA>{words[1]}, capabilities);
    if (command) check_plan(command->invalidation, capabilities);
    const auto context_command = vtd::plan(vtd::Value<vtd::CCMD>{words[3]}, capabilities);
    if (context_command) check_plan(context_command->invalidation, capabilities);
    const vtd::CommandContext context{capabilities, static_cast<vtd::TranslationTableMode>(words[2] & 3)};
    const vtd::Value<vtd::IQA> iqa{words[0]};
    const auto ring = vtd::queue_ring(iqa);
    const auto error = vtd::queue_error(iqa, vtd::Value<vtd::IQT>{words[1]}, context);
    if (!error) require((words[1] & 0x7fff0) < ring.bytes());
    require(ring.next(ring.bytes() - (std::uint64_t{1} << ring.entry_log2)) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input({data, size});
    const auto mode = static_cast<vtd::TranslationTableMode>(input.number(1) & 3);
    const vtd::Capabilities capabilities = capabilities_from(input);
    while (!input.empty()) {
        vtd::Words<4> words;
        for (std::uint64_t& word : words)
            word = input.number(8);
        require(!vtd::describe_descriptor(words).empty());
        check_registers(words, capabilities);
        const auto command = vtd::decode(words, {capabilities, mode});
        if (!command) {
            require(command.error() == vtd::IQEI::InvalidType || command.error() == vtd::IQEI::ReservedField);
            continue;
        }
        if (const auto* plan = std::get_if<vtd::Invalidation>(&*command)) check_plan(*plan, capabilities);
        if (const auto* plan = std::get_if<vtd::DeviceInvalidation>(&*command)) check_plan(*plan, capabilities);
    }
    return 0;
}
