// SPDX-License-Identifier: GPL-2.0-or-later
//
// The C interface of the unit: converts and forwards.
#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "vtd-nested.h"
#include "vtd-nested/device.h"

namespace {

// The callbacks as ports.
class CPorts final : public iommu::MemoryPort,
                     public iommu::Interrupts,
                     public iommu::UnmapListeners,
                     public iommu::Endpoints,
                     public iommu::Clock,
                     public iommu::Trace {
  public:
    explicit CPorts(const iommu_ports& ports) : ports_(ports) {}

    void written(iommu::Pa address, std::uint64_t size) override { ports_.written(ports_.opaque, address.value, size); }
    bool send_msi(std::uint64_t address, std::uint32_t data) override {
        ports_.send_msi(ports_.opaque, address, data);
        return true;
    }
    void unmap(const iommu::IovaRange& range) override {
        const iommu_unmap what{1, 0, range.first.value, range.last.value};
        ports_.unmap(ports_.opaque, &what);
    }
    void gate_changed(bool translating) override { ports_.gate_changed(ports_.opaque, translating); }
    std::uint64_t now_ns() override { return ports_.now_ns(ports_.opaque); }
    void kick() override { ports_.kick(ports_.opaque); }
    void line(iommu::TraceClass trace_class, std::string_view text) override {
        const std::string terminated(text);
        ports_.trace(ports_.opaque, static_cast<std::uint32_t>(trace_class), terminated.c_str());
    }

    [[nodiscard]] iommu::Ports references() { return {*this, *this, *this, *this, *this, *this}; }

  private:
    iommu_ports ports_;
};

// One line per field that both structs have under one name.
// clang-format off
#define FOR_EACH_CAPABILITY(DO) \
    DO(ver) DO(haw) DO(nd) DO(rwbf) DO(plmr) DO(phmr) DO(cm) DO(sagaw) DO(mgaw) DO(zlr) DO(sslps) DO(psi) DO(nfr) \
    DO(mamv) DO(dwd) DO(drd) DO(fs1gp) DO(fs5lp) DO(esrtps) DO(c) DO(qi) DO(pt) DO(sc) DO(nest) DO(srs) DO(eafs) \
    DO(pss) DO(pasid) DO(smts) DO(ssads) DO(ssts) DO(fsts) DO(smpwcs) DO(rps) DO(adms) DO(rprivs)
// clang-format on

vtd::Capabilities from_c(const vtd_nested_config& config) {
    vtd::Capabilities capabilities;
#define TAKE(field) capabilities.field = config.field;
    FOR_EACH_CAPABILITY(TAKE)
#undef TAKE
    return capabilities;
}

void to_c(const vtd::Capabilities& capabilities, vtd_nested_config& config){
#define GIVE(field) config.field = capabilities.field;
    FOR_EACH_CAPABILITY(GIVE)
#undef GIVE
}
#undef FOR_EACH_CAPABILITY

iommu::Request from_c(const iommu_request& request) {
    iommu::Request result;
    result.requester = iommu::RequesterId{request.requester & 0xffff};  // a VT-d Source-ID has 16 bits
    if (request.pasid != IOMMU_NO_PASID) result.pasid = iommu::Pasid{request.pasid & (iommu::kPasidLimit - 1)};
    result.iova = iommu::Iova{request.iova};
    const bool reads = (request.flags & IOMMU_REQUEST_READ) != 0;
    const bool writes = (request.flags & IOMMU_REQUEST_WRITE) != 0;
    if (writes) result.access = reads ? iommu::Access::Atomic : iommu::Access::Write;
    if ((request.flags & IOMMU_REQUEST_PRIVILEGED) != 0) result.privilege = iommu::Privilege::Supervisor;
    if ((request.flags & IOMMU_REQUEST_EXECUTE) != 0) result.execute = iommu::Execute::Yes;
    if ((request.flags & IOMMU_REQUEST_ZERO_LENGTH) != 0) result.length = iommu::Length::Zero;
    if (request.kind == IOMMU_REQUEST_DEBUG) result.kind = iommu::RequestKind::Debug;
    return result;
}

std::uint32_t to_c(iommu::Rights rights) {
    std::uint32_t flags = 0;
    if (covers(rights, iommu::Rights::Read)) flags |= IOMMU_REQUEST_READ;
    if (covers(rights, iommu::Rights::Write)) flags |= IOMMU_REQUEST_WRITE;
    return flags;
}

void tell(const std::string& sentence, char* why, size_t why_size) {
    if (why == nullptr || why_size == 0) return;
    const size_t length = std::min(sentence.size(), why_size - 1);
    std::memcpy(why, sentence.data(), length);
    why[length] = '\0';
}

constexpr char kOtherVersion[] = "the caller was built for another version of this library";
constexpr std::uint32_t kDefaultIotlbEntries = 65536;
constexpr std::uint32_t kMinIotlbEntries = 64;
constexpr std::uint32_t kMaxIotlbEntries = 1048576;

bool complete(const iommu_ports& ports) {
    return ports.written && ports.send_msi && ports.unmap && ports.gate_changed && ports.kick && ports.now_ns &&
           ports.trace;
}

}  // namespace

struct vtd_nested {
    vtd_nested(const vtd::Capabilities& capabilities, std::uint32_t iotlb_entries, const iommu_ports& callbacks)
        : ports(callbacks), unit(capabilities, iotlb_entries, ports.references()) {}
    CPorts ports;
    vtd::Unit unit;
};

void vtd_nested_default_config(vtd_nested_config* config, size_t size) {
    if (size != sizeof *config) return;
    *config = {};
    config->size = sizeof *config;
    to_c(vtd::Capabilities{}, *config);
    config->iotlb_entries = kDefaultIotlbEntries;
}

bool vtd_nested_settle_config(vtd_nested_config* config, char* why, size_t why_size) {
    if (config->size != sizeof *config) {
        tell(kOtherVersion, why, why_size);
        return false;
    }
    const auto settled = vtd::settle(from_c(*config));
    if (!settled) {
        tell(settled.error(), why, why_size);
        return false;
    }
    to_c(*settled, *config);
    return true;
}

vtd_nested* vtd_nested_create(const vtd_nested_config* config, const iommu_ports* ports, char* why, size_t why_size) {
    if (config->size != sizeof *config || ports->size != sizeof *ports || !complete(*ports)) {
        tell(kOtherVersion, why, why_size);
        return nullptr;
    }
    const std::uint32_t entries = config->iotlb_entries;
    if (!std::has_single_bit(entries) || entries < kMinIotlbEntries || entries > kMaxIotlbEntries) {
        tell("iotlb-entries=" + std::to_string(entries) + " must be a power of two from " +
                 std::to_string(kMinIotlbEntries) + " to " + std::to_string(kMaxIotlbEntries),
             why, why_size);
        return nullptr;
    }
    const auto settled = vtd::settle(from_c(*config));
    if (!settled) {
        tell(settled.error(), why, why_size);
        return nullptr;
    }
    return std::make_unique<vtd_nested>(*settled, entries, *ports).release();
}

void vtd_nested_destroy(vtd_nested* unit) { std::unique_ptr<vtd_nested>{unit}.reset(); }

void vtd_nested_reset(vtd_nested* unit) { unit->unit.reset(); }

void vtd_nested_set_ram(vtd_nested* unit, const iommu_ram_range* ranges, size_t count) {
    std::vector<iommu::RamRange> converted;
    converted.reserve(count);
    for (size_t i = 0; i < count; ++i) {
        converted.push_back({iommu::Pa{ranges[i].address}, ranges[i].size, static_cast<std::byte*>(ranges[i].host)});
    }
    unit->unit.memory().set_ram(converted);
}

uint64_t vtd_nested_read(vtd_nested* unit, uint64_t offset, unsigned size) { return unit->unit.read(offset, size); }

void vtd_nested_write(vtd_nested* unit, uint64_t offset, uint64_t value, unsigned size) {
    unit->unit.write(offset, value, size);
}

void vtd_nested_translate(vtd_nested* unit, const iommu_request* request, iommu_reply* reply) {
    const iommu::Reply answer = unit->unit.translate(from_c(*request));
    *reply = {.outcome = answer.outcome == iommu::Outcome::Translated ? IOMMU_TRANSLATED : IOMMU_BLOCKED,
              .rights = to_c(answer.translation.rights),
              .address = answer.translation.address.value,
              .page_log2 = answer.translation.page_log2,
              .reason = answer.reason};
}

bool vtd_nested_interrupt_access(vtd_nested* unit, const iommu_request* request, unsigned size) {
    return unit->unit.interrupt_access(from_c(*request), size) == vtd::InterruptAccess::Deliver;
}

void vtd_nested_continue(vtd_nested* unit) { unit->unit.run_queue(); }

void vtd_nested_counters(const vtd_nested* unit, iommu_counters* counters) {
    if (counters->size != sizeof *counters) return;
    const vtd::UnitCounters now = unit->unit.counters();
    counters->translations = now.hits + now.misses;
    counters->hits = now.hits;
    counters->misses = now.misses;
    counters->faults = now.faults;
    counters->recorded = now.recorded;
    counters->invalidations = now.invalidations;
    counters->waits = now.waits;
    counters->queue_errors = now.queue_errors;
    counters->messages = now.messages;
}

void vtd_nested_set_trace(vtd_nested* unit, uint32_t trace_classes) { unit->unit.set_trace(trace_classes); }

static_assert(VTD_NESTED_STATE_WORDS == vtd::kStateWords);

void vtd_nested_save(const vtd_nested* unit, uint64_t* words) {
    const vtd::StateWords state = unit->unit.save();
    std::copy(state.begin(), state.end(), words);
}

bool vtd_nested_load(vtd_nested* unit, const uint64_t* words, char* why, size_t why_size) {
    vtd::StateWords state;
    std::copy_n(words, state.size(), state.begin());
    const auto loaded = unit->unit.load(state);
    if (!loaded) tell(loaded.error(), why, why_size);
    return static_cast<bool>(loaded);
}

uint64_t vtd_nested_cap(const vtd_nested* unit) { return vtd::cap_register(unit->unit.capabilities()).raw(); }
uint64_t vtd_nested_ecap(const vtd_nested* unit) { return vtd::ecap_register(unit->unit.capabilities()).raw(); }
