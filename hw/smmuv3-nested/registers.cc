// SPDX-License-Identifier: GPL-2.0-or-later
#include "smmuv3-nested/registers.h"

#include "iommu/address.h"

namespace smmuv3 {

using iommu::RegisterFile;
using iommu::RegisterSpec;
using iommu::spec_of;

namespace {

// Software may not change these bits on this unit.
RegisterSpec without(RegisterSpec spec, std::uint64_t bits) {
    spec.rw &= ~bits;
    return spec;
}

// SMMUv3.2, by nobody in particular: no erratum of a known part applies.
constexpr std::uint64_t kAidr = 0x02;
constexpr std::uint64_t kIidr = 0;
// While SMMUEN=0, transactions pass with their own shareability.
constexpr std::uint64_t kGbpaReset = 0x1000;

void add_identification(std::vector<RegisterSpec>& specs, const Capabilities& c) {
    specs.push_back(spec_of<IDR0>(idr0(c).raw()));
    specs.push_back(spec_of<IDR1>(idr1(c).raw()));
    specs.push_back(spec_of<IDR3>(idr3(c).raw()));
    specs.push_back(spec_of<IDR5>(idr5(c).raw()));
    specs.push_back(spec_of<IIDR>(kIidr));
    specs.push_back(spec_of<AIDR>(kAidr));
    for (const IdentificationRegister& id : identification_registers) {
        specs.push_back({.name = id.name, .offset = id.offset, .size = 4, .reset = id.value});
    }
}

void add_message_registers(std::vector<RegisterSpec>& specs, const Capabilities& c) {
    if (c.msi == 0) return;
    specs.push_back(spec_of<GERROR_IRQ_CFG0>());
    specs.push_back(spec_of<GERROR_IRQ_CFG1>());
    specs.push_back(spec_of<GERROR_IRQ_CFG2>());
    specs.push_back(spec_of<EVENTQ_IRQ_CFG0>());
    specs.push_back(spec_of<EVENTQ_IRQ_CFG1>());
    specs.push_back(spec_of<EVENTQ_IRQ_CFG2>());
}

// LO is for wires, too: there without messages. [SMMU G.b s6.3.1 MSI]
void add_page_request_registers(std::vector<RegisterSpec>& specs, const Capabilities& c) {
    if (c.pri == 0) return;
    specs.push_back(spec_of<PRIQ_BASE>());
    specs.push_back(spec_of<PRIQ_PROD>());
    specs.push_back(spec_of<PRIQ_CONS>());
    if (c.msi != 0) {
        specs.push_back(spec_of<PRIQ_IRQ_CFG0>());
        specs.push_back(spec_of<PRIQ_IRQ_CFG1>());
    }
    const std::uint64_t no_messages = c.msi != 0 ? 0 : PRIQ_IRQ_CFG2::MemAttr::mask | PRIQ_IRQ_CFG2::SH::mask;
    specs.push_back(without(spec_of<PRIQ_IRQ_CFG2>(), no_messages));
}

bool is_on(std::uint64_t field) { return field != 0; }

}  // namespace

std::vector<RegisterSpec> register_specs(const Capabilities& c) {
    std::vector<RegisterSpec> specs;
    add_identification(specs, c);
    const std::uint64_t no_vmw = c.vmw != 0 ? 0 : CR0::VMW::mask;
    const std::uint64_t no_ats = (c.ats != 0 ? 0 : CR0::ATSCHK::mask) | (c.pri != 0 ? 0 : CR0::PRIQEN::mask);
    specs.push_back(without(spec_of<CR0>(), CR0::DPT_WALK_EN::mask | no_ats | no_vmw));
    specs.push_back(spec_of<CR0ACK>());
    specs.push_back(spec_of<CR1>());
    const std::uint64_t no_hyp = c.hyp != 0 ? 0 : CR2::E2H::mask;
    const std::uint64_t no_ats_errors = c.atsrecerr != 0 ? 0 : CR2::REC_CFG_ATS::mask;
    specs.push_back(without(spec_of<CR2>(), no_ats_errors | CR2::PTM::mask | no_hyp));
    specs.push_back(spec_of<GBPA>(kGbpaReset));
    specs.push_back(without(spec_of<IRQ_CTRL>(), c.pri != 0 ? 0 : IRQ_CTRL::PRIQ_IRQEN::mask));
    specs.push_back(spec_of<IRQ_CTRLACK>());
    specs.push_back(spec_of<GERROR>());
    const std::uint64_t no_errors = GERRORN::CMDQP_ERR::mask | GERRORN::DPT_ERR::mask;
    const std::uint64_t page_request_errors = GERRORN::PRIQ_ABT_ERR::mask | GERRORN::MSI_PRIQ_ABT_ERR::mask;
    const std::uint64_t message_errors = GERRORN::MSI_CMDQ_ABT_ERR::mask | GERRORN::MSI_EVENTQ_ABT_ERR::mask |
                                         GERRORN::MSI_PRIQ_ABT_ERR::mask | GERRORN::MSI_GERROR_ABT_ERR::mask;
    specs.push_back(without(spec_of<GERRORN>(),
                            no_errors | (c.msi != 0 ? 0 : message_errors) | (c.pri != 0 ? 0 : page_request_errors)));
    add_message_registers(specs, c);
    specs.push_back(spec_of<STRTAB_BASE>());
    specs.push_back(without(spec_of<STRTAB_BASE_CFG>(), c.st_level != 0 ? 0 : STRTAB_BASE_CFG::FMT::mask));
    specs.push_back(spec_of<CMDQ_BASE>());
    specs.push_back(spec_of<CMDQ_PROD>());
    specs.push_back(spec_of<CMDQ_CONS>());
    specs.push_back(spec_of<EVENTQ_BASE>());
    specs.push_back(spec_of<EVENTQ_PROD>());
    specs.push_back(spec_of<EVENTQ_CONS>());
    add_page_request_registers(specs, c);
    return specs;
}

std::uint64_t guarded_bits(std::uint32_t offset, const RegisterFile& registers) {
    constexpr std::uint64_t all = ~std::uint64_t{0};
    const auto cr0 = registers.get<CR0>();
    const auto irq = registers.get<IRQ_CTRL>();
    const bool smmu = is_on(cr0.get<CR0::SMMUEN>());
    const bool commands = is_on(cr0.get<CR0::CMDQEN>());
    const bool events = is_on(cr0.get<CR0::EVENTQEN>());
    const bool pages = is_on(cr0.get<CR0::PRIQEN>());
    constexpr std::uint64_t table_bits = CR1::TABLE_SH::mask | CR1::TABLE_OC::mask | CR1::TABLE_IC::mask;
    constexpr std::uint64_t queue_bits = CR1::QUEUE_SH::mask | CR1::QUEUE_OC::mask | CR1::QUEUE_IC::mask;
    switch (offset) {
        case CR1::offset: return (smmu ? table_bits : 0) | (commands || events || pages ? queue_bits : 0);
        case CR2::offset:
        case STRTAB_BASE::offset:
        case STRTAB_BASE_CFG::offset: return smmu ? all : 0;
        case CMDQ_BASE::offset:
        case CMDQ_CONS::offset: return commands ? all : 0;
        case EVENTQ_BASE::offset:
        case EVENTQ_PROD::offset: return events ? all : 0;
        case PRIQ_BASE::offset:
        case PRIQ_PROD::offset: return pages ? all : 0;
        case GERROR_IRQ_CFG0::offset:
        case GERROR_IRQ_CFG1::offset:
        case GERROR_IRQ_CFG2::offset: return is_on(irq.get<IRQ_CTRL::GERROR_IRQEN>()) ? all : 0;
        case EVENTQ_IRQ_CFG0::offset:
        case EVENTQ_IRQ_CFG1::offset:
        case EVENTQ_IRQ_CFG2::offset: return is_on(irq.get<IRQ_CTRL::EVENTQ_IRQEN>()) ? all : 0;
        case PRIQ_IRQ_CFG0::offset:
        case PRIQ_IRQ_CFG1::offset:
        case PRIQ_IRQ_CFG2::offset: return is_on(irq.get<IRQ_CTRL::PRIQ_IRQEN>()) ? all : 0;
        default: return 0;
    }
}

std::uint64_t canonical_offset(std::uint64_t offset) {
    switch (offset + page_1) {
        case EVENTQ_PROD::offset:
        case EVENTQ_CONS::offset:
        case PRIQ_PROD::offset:
        case PRIQ_CONS::offset: return offset + page_1;
        default: return offset;
    }
}

StreamTable stream_table(const RegisterFile& registers) {
    const auto cfg = registers.get<STRTAB_BASE_CFG>();
    const auto cr2 = registers.get<CR2>();
    const std::uint64_t split = cfg.get<STRTAB_BASE_CFG::SPLIT>();
    return {.base = registers.get<STRTAB_BASE>().in_place<STRTAB_BASE::ADDR>(),
            .log2size = static_cast<std::uint8_t>(cfg.get<STRTAB_BASE_CFG::LOG2SIZE>()),
            .split = static_cast<std::uint8_t>(split == 8 || split == 10 ? split : 6),
            .two_level = cfg.get<STRTAB_BASE_CFG::FMT>() == 1,
            .record_invalid = is_on(cr2.get<CR2::RECINVSID>()),
            .e2h = is_on(cr2.get<CR2::E2H>())};
}

}  // namespace smmuv3
